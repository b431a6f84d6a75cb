import type { CommandView, ServicePlanEntry, ServicePlanView } from '@rollcall/contracts/admin'
import { AT, SERVICE_ID } from '@rollcall/contracts/admin/services/testing/service-views'
import type { ServicesEvent } from '../services-mirror.ts'

export const PLAN_ID = '00000000-0000-4000-8000-000000000002'

export const planEntry = (more: Partial<ServicePlanEntry> = {}): ServicePlanEntry => ({
  service: 'web',
  action: 'new',
  replicas: 2,
  images: [],
  changes: [],
  placements: [],
  removedSlots: [],
  removedVolumes: [],
  keptVolumes: [],
  spares: [],
  ...more,
})

export const planOf = (
  services: ServicePlanEntry[],
  more: Partial<ServicePlanView> = {},
): ServicePlanView => ({
  id: PLAN_ID,
  project: 'shop',
  digest: 'a'.repeat(64),
  prune: false,
  createdAt: AT,
  createdBy: 'Ada',
  appliedAt: null,
  services,
  order: [['web']],
  notes: [],
  ...more,
})

/** Returns the command that reads a log. */
export const logCommand = (id: string): CommandView => ({
  id,
  runId: id,
  kind: 'command',
  host: { id: SERVICE_ID, name: 'app-1' },
  program: 'python3',
  args: [],
  cwd: '/',
  tty: false,
  timeoutMs: 1000,
  state: 'running',
  isHeld: false,
  reasonCode: null,
  reason: null,
  exitCode: null,
  signal: null,
  requestedBy: 'Ada',
  cancelRequested: false,
  createdAt: AT,
  startedAt: AT,
  endedAt: null,
  outputBytes: 0,
  droppedBytes: 0,
  inputBytes: 0,
})

/** Returns an event of services that are watched, in which nothing is new but what a spec says. */
export const servicesEvent = (more: Partial<ServicesEvent>): ServicesEvent => ({
  type: 'services',
  serviceId: null,
  isSnapshot: false,
  isComplete: true,
  services: [],
  marks: [],
  instances: [],
  removedServices: [],
  removedInstances: [],
  ...more,
})
