import { AT, instanceOf, SERVICE_ID } from '@rollcall/contracts/admin/services/testing/service-views'
import type { InstanceRecord, ServiceRecord } from '../domain/instance.ts'

const REVISION_ID = '33333333-3333-4333-8333-333333333333'

/** Returns the record of the service that clients are shown in their specs, with what a spec says otherwise. */
export const serviceRecord = (more: Partial<ServiceRecord> = {}): ServiceRecord => ({
  id: SERVICE_ID,
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
  updatedAt: new Date(AT),
  updatedBy: 'Ada',
  ...more,
})

/** Returns the record of its first instance, on a host within the scope. */
export function instanceRecord(more: Partial<InstanceRecord> = {}): InstanceRecord {
  const { name: _, isHeld: __, host, stateSince, healthSince, ...shown } = instanceOf(1)
  return {
    ...shown,
    revisionId: REVISION_ID,
    hostId: host?.id ?? null,
    hostName: host?.name ?? null,
    stateSince: new Date(stateSince),
    healthSince: new Date(healthSince),
    admittedAt: new Date(AT),
    isVisible: true,
    ...more,
  }
}
