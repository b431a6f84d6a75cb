import type {
  CommandView,
  InstanceMark,
  InstanceView,
  PlacementView,
  ServicePlanEntry,
  ServicePlanView,
  ServiceView,
} from '@rollcall/contracts/admin'
import type { ServicesEvent } from '../services-mirror.ts'

const AT = '2026-11-30T10:00:00.000Z'
export const SERVICE_ID = '00000000-0000-4000-8000-000000000001'
export const PLAN_ID = '00000000-0000-4000-8000-000000000002'

/** Returns an instance of `shop/web` that runs well, with what a spec says otherwise. */
export const instanceOf = (slot: number, more: Partial<InstanceView> = {}): InstanceView => ({
  id: `0000000${slot}`,
  name: `shop/web.${slot}`,
  serviceId: SERVICE_ID,
  slot,
  generation: 1,
  revision: 1,
  runningRevision: 1,
  host: { id: SERVICE_ID, name: `app-${slot}` },
  wanted: 'running',
  state: 'running',
  stateSince: AT,
  health: 'success',
  healthSince: AT,
  reasonCode: null,
  reason: null,
  ports: [],
  containers: [],
  checks: [],
  isHeld: false,
  replacedBy: null,
  commandId: null,
  ...more,
})

export const serviceOf = (more: Partial<ServiceView> = {}): ServiceView => ({
  id: SERVICE_ID,
  project: 'shop',
  name: 'web',
  wanted: 'running',
  state: 'healthy',
  reason: null,
  replicas: 2,
  revision: 1,
  images: ['nginx:1.27'],
  counts: {},
  healths: {},
  updatedAt: AT,
  updatedBy: 'Ada',
  ...more,
})

export const placementOf = (slot: number, more: Partial<PlacementView> = {}): PlacementView => ({
  slot,
  host: `app-${slot}`,
  isKept: false,
  from: null,
  ports: [],
  hosts: 3,
  rejections: [],
  best: [],
  reason: null,
  ...more,
})

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

/** Returns an instance as a list of services has it. */
export const markOf = (slot: number, more: Partial<InstanceMark> = {}): InstanceMark => {
  const { id, state, health, host, reason } = instanceOf(slot)
  return { id, slot, state, health, host, reason, ...more }
}

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
