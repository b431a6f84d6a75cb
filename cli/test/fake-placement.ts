import type { PlacementView } from '@rollcall/contracts/admin'
import { placementOf } from '@rollcall/contracts/admin/services/testing/service-views'

export { AT } from '@rollcall/contracts/admin/services/testing/service-views'
export const terms = { load: 38, spread: 30, affinity: 0, preference: 5, flaps: 0 }

/** Returns the placement of a slot with a port and a score. */
export const placement = (slot: number, change: Partial<PlacementView> = {}): PlacementView =>
  placementOf(slot, {
    ports: [{ protocol: 'tcp', port: 20_411 }],
    best: [{ host: `app-${slot}`, score: 73, terms }],
    ...change,
  })
