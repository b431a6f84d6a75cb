import type { PlacementContext } from './context.ts'
import type { ScoredHost } from './explanation.ts'
import { toRanges } from './ranges.ts'
import { toFlapPenalty } from './strategies/flaps.ts'
import { STRATEGIES } from './strategies/registry.ts'
import type { HostGroups, Scorer } from './strategies/strategy.ts'
import type { PlacementRequest } from './view.ts'

/** Scores hosts for one request: 0 to 100, the sum of all terms. A score never rises as slots are taken. */
export class Score {
  readonly groups: HostGroups | undefined
  readonly #context: PlacementContext
  readonly #load: Scorer
  readonly #spread: Scorer
  readonly #affinity: Scorer
  readonly #preference: Scorer
  readonly #penalties: Uint8Array

  constructor(request: PlacementRequest, context: PlacementContext) {
    const ranges = toRanges(request.weights)
    this.#context = context
    this.#load = STRATEGIES.load(request, context, ranges.load)
    this.#spread = STRATEGIES.spread(request, context, ranges.spread)
    this.#affinity = STRATEGIES.affinity(request, context, ranges.affinity)
    this.#preference = STRATEGIES.preference(request, context, ranges.preference)
    this.#penalties = toFlapPenalty(context)
    this.groups = this.#spread.groups
  }

  /** Returns the points that a host has without those of its group. */
  ownPoints(at: number): number {
    const points =
      this.#load.points(at) +
      this.#spread.points(at) +
      this.#affinity.points(at) +
      this.#preference.points(at) -
      (this.#penalties[at] as number)
    return Math.max(points, 0)
  }

  /** Returns the points of a host's group. */
  groupPoints(at: number): number {
    return this.groups?.points(this.groups.groupOf[at] as number) ?? 0
  }

  explain(at: number): ScoredHost {
    const load = this.#load.points(at)
    const own = this.#spread.points(at)
    const affinity = this.#affinity.points(at)
    const preference = this.#preference.points(at)
    // No host loses more than it has: scores do not fall below 0.
    const flaps = -Math.min(this.#penalties[at] as number, load + own + affinity + preference)
    const spread = own + this.groupPoints(at)
    return {
      host: this.#context.fleet.host(at).name,
      score: load + spread + affinity + preference + flaps,
      // -0 is not 0 to those who compare.
      terms: { load, spread, affinity, preference, flaps: flaps + 0 },
    }
  }
}
