import type { InstanceRecord, ServiceRecord } from '../domain/instance.ts'

const AT = new Date('2026-11-30T10:00:00Z')
const REVISION_ID = '33333333-3333-4333-8333-333333333333'
const HOST_ID = '44444444-4444-4444-8444-444444444444'

/** Returns the record of a service that runs well, with what a spec says otherwise. */
export const serviceRecord = (more: Partial<ServiceRecord> = {}): ServiceRecord => ({
  id: '11111111-1111-4111-8111-111111111111',
  project: 'shop',
  name: 'web',
  wanted: 'running',
  replicas: 2,
  scope: null,
  revisionId: REVISION_ID,
  revision: 1,
  provenRevision: null,
  images: [],
  playbook: null,
  secrets: {},
  haltedAt: null,
  reasonCode: null,
  reason: null,
  updatedAt: AT,
  updatedBy: 'Ada',
  ...more,
})

/** Returns the record of an instance that runs well on a host within the scope. */
export const instanceRecord = (more: Partial<InstanceRecord> = {}): InstanceRecord => ({
  id: '00000001',
  serviceId: '11111111-1111-4111-8111-111111111111',
  slot: 1,
  generation: 1,
  revisionId: REVISION_ID,
  revision: 1,
  runningRevision: 1,
  hostId: HOST_ID,
  hostName: 'app-1',
  wanted: 'running',
  state: 'running',
  stateSince: AT,
  health: 'success',
  healthSince: AT,
  reasonCode: null,
  reason: null,
  admittedAt: AT,
  replacedBy: null,
  commandId: null,
  containers: [],
  checks: [],
  ports: [],
  isVisible: true,
  ...more,
})
