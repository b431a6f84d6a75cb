import type { FleetColumns } from './fleet-columns.ts'
import { mixHashes } from './hash.ts'
import { LazyHeap } from './lazy-heap.ts'
import type { Score } from './score.ts'

/** A key is a score, then 24 bits that break ties between hosts. */
const TIE_BITS = 24
const POINT = 2 ** TIE_BITS

/** Room for the heaps of one request after the other: a place for each host. */
export interface RankingRoom {
  items: Int32Array
  keys: Float64Array
}

/**
 * The hosts that may take a slot, by score. Hosts of one group gain and lose the same points together, so their order
 * within the group stands: there is a heap for each group, and one of groups.
 */
export class Ranking {
  readonly #score: Score
  readonly #groups: LazyHeap
  readonly #heaps: (LazyHeap | undefined)[] = []
  /** Groups that are out of their heap until hosts are put back. */
  #open: number[] = []

  /** Ranks `hosts`. `seed` is the service's hash: ties fall the same way every time. */
  constructor(score: Score, hosts: Int32Array, seed: number, fleet: FleetColumns, room: RankingRoom) {
    this.#score = score
    const toKey = (at: number) =>
      score.ownPoints(at) * POINT + (mixHashes(seed, fleet.hash(at)) >>> (32 - TIE_BITS))
    const toBound = (at: number) => score.ownPoints(at) * POINT + (POINT - 1)
    const { starts, groups } = sortByGroup(score, hosts, room.items)
    for (const group of groups) {
      const from = starts[group] as number
      this.#heaps[group] = new LazyHeap(room.items, room.keys, toKey, toBound, from, starts[group + 1])
    }
    this.#groups = new LazyHeap(groups, new Float64Array(groups.length), (group) => this.#groupKey(group))
  }

  /** Takes the best hosts out, at most `count`, the best first. They are to be put back by `putBack`. */
  popBest(count: number): number[] {
    const best: number[] = []
    while (best.length < count) {
      const host = this.#heaps[this.#openBest()]?.pop() ?? -1
      if (host < 0) break
      best.push(host)
    }
    return best
  }

  /** Ends what `popBest` began: hosts that are not among `hosts` stay out. */
  putBack(hosts: readonly number[]): void {
    for (const at of hosts) this.#heaps[this.#groupOf(at)]?.push(at)
    for (const group of this.#open) this.#groups.push(group)
    this.#open = []
  }

  /** Returns the group with the best host, which is open then; -1 when no group has a host. */
  #openBest(): number {
    let best = -1
    let bestKey = -1
    for (const group of this.#open) {
      const key = this.#groupKey(group)
      if (key <= bestKey) continue
      best = group
      bestKey = key
    }
    if (this.#groups.peekKey() <= bestKey) return best
    best = this.#groups.pop()
    if (best >= 0) this.#open.push(best)
    return best
  }

  #groupKey(group: number): number {
    const key = this.#heaps[group]?.peekKey() ?? -1
    return key < 0 ? -1 : key + (this.#score.groups?.points(group) ?? 0) * POINT
  }

  #groupOf(at: number): number {
    return this.#score.groups?.groupOf[at] ?? 0
  }
}

/** Sorts hosts by group into `items`, group `g` from `starts[g]` to `starts[g + 1]`. Returns the groups that have hosts. */
function sortByGroup({ groups }: Score, hosts: Int32Array, items: Int32Array) {
  const size = groups?.size ?? 1
  const starts = new Int32Array(size + 1)
  const toGroup = (at: number) => (groups ? (groups.groupOf[at] as number) : 0)
  for (const at of hosts) starts[toGroup(at) + 1] = (starts[toGroup(at) + 1] as number) + 1
  const filled: number[] = []
  for (let group = 0; group < size; group++) {
    if (starts[group + 1] !== 0) filled.push(group)
    starts[group + 1] = (starts[group + 1] as number) + (starts[group] as number)
  }
  const next = starts.slice(0, size)
  for (const at of hosts) {
    const group = toGroup(at)
    items[next[group] as number] = at
    next[group] = (next[group] as number) + 1
  }
  return { starts, groups: Int32Array.from(filled) }
}
