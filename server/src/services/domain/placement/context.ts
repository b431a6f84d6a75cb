import type { FleetColumns } from './fleet-columns.ts'
import type { Plan } from './plan.ts'

/** Everything that filters and strategies read. */
export interface PlacementContext {
  fleet: FleetColumns
  plan: Plan
  now: Date
}
