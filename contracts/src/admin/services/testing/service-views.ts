import type { PlacementView } from '../placements.ts'
import type { InstanceMark, InstanceView, ServiceDetail, ServiceView } from '../schemas.ts'

/** Views of a service as its server answers them, for the specs of every client: `shop/web`, which runs well. */
export const AT = '2026-11-30T10:00:00.000Z'
export const SERVICE_ID = '00000000-0000-4000-8000-000000000001'
const HOST_ID = '00000000-0000-4000-8000-000000000003'

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
  playbook: null,
  counts: {},
  healths: {},
  updatedAt: AT,
  updatedBy: 'Ada',
  ...more,
})

export const instanceOf = (slot: number, more: Partial<InstanceView> = {}): InstanceView => ({
  id: slot.toString(16).padStart(8, '0'),
  name: `shop/web.${slot}`,
  serviceId: SERVICE_ID,
  slot,
  generation: 1,
  revision: 1,
  runningRevision: 1,
  host: { id: HOST_ID, name: `app-${slot}` },
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

/** Returns an instance as a list of services has it. */
export const markOf = (slot: number, more: Partial<InstanceMark> = {}): InstanceMark => {
  const { id, state, health, host, reason } = instanceOf(slot)
  return { id, slot, state, health, host, reason, ...more }
}

export const shownService = (
  instances: InstanceView[],
  more: Partial<Omit<ServiceDetail, 'instances'>> = {},
): ServiceDetail => ({ service: serviceOf(), instances, secrets: [], volumes: [], ...more })

/** Returns the placement of a slot on a fleet of three hosts. */
export const placementOf = (slot: number, more: Partial<PlacementView> = {}): PlacementView => ({
  slot,
  host: `app-${slot}`,
  isKept: false,
  isReplaced: false,
  from: null,
  ports: [],
  hosts: 3,
  rejections: [],
  best: [],
  reason: null,
  ...more,
})
