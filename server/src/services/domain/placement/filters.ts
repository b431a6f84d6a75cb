import type { Check } from './check.ts'
import type { PlacementContext } from './context.ts'
import { hostFilters } from './host-filters.ts'
import { roomFilters } from './room-filters.ts'
import type { PlacementRequest } from './view.ts'

/** Lists what a request asks of hosts, in the order in which it is checked. */
export const toChecks = (request: PlacementRequest, context: PlacementContext): Check[] => [
  ...hostFilters(request, context),
  ...roomFilters(request, context),
]
