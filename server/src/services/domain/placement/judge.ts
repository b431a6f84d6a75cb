import type { FilterName } from './check.ts'
import type { ScoredHost } from './explanation.ts'
import { toChecks } from './filters.ts'
import { FleetColumns } from './fleet-columns.ts'
import { Plan } from './plan.ts'
import { runToEnd } from './run-to-end.ts'
import { Score } from './score.ts'
import type { PlacementHost, PlacementRequest } from './view.ts'

/** The verdict on one host for one request. */
export interface Judgement {
  /** Every condition, in the order in which it is checked. */
  conditions: readonly { filter: FilterName; detail: string; passes: boolean; evidence: string | null }[]
  /** The host's score, or what it would be if it met all conditions. */
  score: ScoredHost
}

/**
 * Judges one host for one more slot of a request, every condition apart. The fleet is that of the placement with which
 * it is compared. Throws `RangeError` for a host that is not in the fleet.
 */
export function judge(
  request: PlacementRequest,
  fleet: readonly PlacementHost[],
  hostId: string,
  now: Date,
): Judgement {
  const columns = runToEnd(FleetColumns.read(fleet, [request]))
  const context = { fleet: columns, plan: new Plan(columns), now }
  const at = columns.find(hostId)
  if (at === undefined) throw new RangeError(`host ${hostId} is not in the fleet`)
  context.plan.begin(request)
  return {
    conditions: toChecks(request, context).map(({ filter, detail, fails, evidence }) => ({
      filter,
      detail,
      passes: !fails(at),
      evidence: evidence?.(at) ?? null,
    })),
    score: new Score(request, context).explain(at),
  }
}
