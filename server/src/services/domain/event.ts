import type { ServiceEventView } from '@rollcall/contracts/admin'
import type { Explanation } from './placement/explanation.ts'

/** A line of the history of a service or an instance. */
export interface ServiceEvent extends Omit<ServiceEventView, 'at'> {
  at: Date
}

/** A decision about a slot, as it was made. */
export interface PlacementRecord {
  slot: number
  generation: number
  at: Date
  hostId: string | null
  hostName: string | null
  score: number | null
  isKept: boolean
  explanation: Explanation
}
