import type { PlacementView } from '@rollcall/contracts/admin'

export const AT = '2026-11-30T10:00:00.000Z'
export const terms = { load: 38, spread: 30, affinity: 0, preference: 5, flaps: 0 }

/** Returns the placement of a slot on a fleet of three hosts. */
export const placement = (slot: number, change: Partial<PlacementView> = {}): PlacementView => ({
  slot,
  host: `app-${slot}`,
  isKept: false,
  from: null,
  ports: [{ protocol: 'tcp', port: 20_411 }],
  hosts: 3,
  rejections: [],
  best: [{ host: `app-${slot}`, score: 73, terms }],
  reason: null,
  ...change,
})
