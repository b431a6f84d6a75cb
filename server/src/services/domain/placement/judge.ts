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
 * Reads a fleet once, for verdicts on single hosts for one more slot of a request. Returns what judges one by its id, every condition
 * apart, and throws `RangeError` for a host that is not in the fleet.
 */
export function toJudge(
  request: PlacementRequest,
  fleet: readonly PlacementHost[],
  now: Date,
): (hostId: string) => Judgement {
  const columns = runToEnd(FleetColumns.read(fleet, [request]))
  const context = { fleet: columns, plan: new Plan(columns), now }
  context.plan.begin(request)
  const checks = toChecks(request, context)
  const score = new Score(request, context)
  return (hostId) => {
    const at = columns.find(hostId)
    if (at === undefined) throw new RangeError(`host ${hostId} is not in the fleet`)
    return {
      conditions: checks.map(({ filter, detail, fails, evidence }) => ({
        filter,
        detail,
        passes: !fails(at),
        evidence: evidence?.(at) ?? null,
      })),
      score: score.explain(at),
    }
  }
}
