import type { PlacementContext } from './context.ts'
import type { Explanation } from './explanation.ts'
import { toChecks } from './filters.ts'
import { FleetColumns } from './fleet-columns.ts'
import { hashText } from './hash.ts'
import { Plan } from './plan.ts'
import { Ranking, type RankingRoom } from './ranking.ts'
import { Score } from './score.ts'
import { Sieve } from './sieve.ts'
import { readDomains } from './strategies/spread.ts'
import type { PlacementHost, PlacementRequest, PortNumber } from './view.ts'

/** How many of the best hosts an explanation shows. */
const MAX_BEST = 5

/** Where one slot goes, and why. */
export interface Placement {
  service: string
  slot: number
  /** The host's id; null where no host fits. */
  host: string | null
  /** In the order of the request; empty for a slot that is not placed. */
  ports: readonly PortNumber[]
  explanation: Explanation
}

/**
 * Places slots one after the other, each on the best host at that moment: exact, and the same for the same view, in
 * whatever order hosts come. Yields between steps of about a millisecond for ten thousand hosts, so that the caller can
 * do something else meanwhile.
 */
export function* place(
  requests: readonly PlacementRequest[],
  fleet: readonly PlacementHost[],
  now: Date,
): Generator<void, Placement[]> {
  const columns = yield* FleetColumns.read(fleet, requests)
  const context = { fleet: columns, plan: new Plan(columns), now }
  const room = { items: new Int32Array(columns.size), keys: new Float64Array(columns.size) }
  const passing = new Int32Array(columns.size)
  const placements: Placement[] = []
  for (const request of requests) {
    context.plan.begin(request)
    yield* readLabels(request, columns)
    const sifted = yield* Sieve.sift(columns, toChecks(request, context), passing)
    const turn = new Turn(request, context, sifted.sieve, sifted.passing, room)
    for (const slot of request.slots) {
      yield
      placements.push(turn.placeNext(slot))
    }
  }
  return placements
}

/** Reads what a request asks of labels, in short steps. The columns keep it. */
function* readLabels(
  { select, constraints, prefer, spread }: PlacementRequest,
  columns: FleetColumns,
): Generator<void> {
  for (const term of [...select, ...prefer.flatMap(({ terms }) => terms)]) {
    yield* columns.readLabel(term.key)
    columns.matches(term)
    yield
  }
  for (const term of constraints) {
    yield* columns.readConstraint(term)
    columns.meets(term)
    yield
  }
  if (spread.length > 0) yield* readDomains(columns, spread)
}

/** The turn of one request: its slots get their hosts. */
class Turn {
  readonly #request: PlacementRequest
  readonly #context: PlacementContext
  readonly #sieve: Sieve
  readonly #score: Score
  readonly #ranking: Ranking

  constructor(
    request: PlacementRequest,
    context: PlacementContext,
    sieve: Sieve,
    passing: Int32Array,
    room: RankingRoom,
  ) {
    this.#request = request
    this.#context = context
    this.#sieve = sieve
    this.#score = new Score(request, context)
    this.#ranking = new Ranking(this.#score, passing, hashText(request.service), context.fleet, room)
  }

  placeNext(slot: number): Placement {
    const { service } = this.#request
    const { fleet, plan } = this.#context
    const best = this.#ranking.popBest(MAX_BEST)
    const explanation = {
      hosts: fleet.size,
      rejections: this.#sieve.rejections(),
      best: best.map((at) => this.#score.explain(at)),
    }
    const [chosen, ...others] = best
    if (chosen === undefined) return { service, slot, host: null, ports: [], explanation }
    const ports = plan.take(chosen, this.#request, slot)
    this.#score.groups?.take(chosen)
    this.#ranking.putBack(this.#sieve.recheck(chosen) ? [chosen, ...others] : others)
    return { service, slot, host: fleet.host(chosen).id, ports, explanation }
  }
}
