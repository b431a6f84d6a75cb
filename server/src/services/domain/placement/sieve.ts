import type { Check } from './check.ts'
import { type Rejection, toBoundedRejections } from './explanation.ts'
import type { FleetColumns } from './fleet-columns.ts'

const MAX_EXAMPLES = 3

interface Tally {
  count: number
  /** Hosts, the nearest first. */
  examples: number[]
  /** Made when it is asked for, and again after a change: slots of a request share it. */
  rejection: Rejection | undefined
}

/** The verdict on a fleet of checks that no slot changes. */
interface Common {
  passing: Int32Array
  tallies: readonly Tally[]
}

/** Keeps which hosts may take a slot of one request, and counts why the others may not. */
export class Sieve {
  readonly #fleet: FleetColumns
  readonly #checks: readonly Check[]
  readonly #tallies: readonly Tally[]
  #rejections: readonly Rejection[] | undefined

  private constructor(fleet: FleetColumns, checks: readonly Check[]) {
    this.#fleet = fleet
    this.#checks = checks
    this.#tallies = checks.map(() => ({ count: 0, examples: [], rejection: undefined }))
  }

  /**
   * Checks every host. Yields after each check; returns the sieve and the hosts that pass, which are in `room`: an array
   * with a place for each host.
   */
  static *sift(
    fleet: FleetColumns,
    checks: readonly Check[],
    room: Int32Array,
  ): Generator<void, { sieve: Sieve; passing: Int32Array }> {
    const sieve = new Sieve(fleet, checks)
    const common = checks.findIndex(({ isCommon }) => !isCommon)
    const first = common < 0 ? checks.length : common
    let size = yield* sieve.#keepCommon(room, first)
    for (let index = first; index < checks.length; index++) {
      size = sieve.#keepPassing(room.subarray(0, size), index)
      yield
    }
    return { sieve, passing: room.subarray(0, size) }
  }

  /** Checks a host that has taken a slot again. Returns whether it may take another. */
  recheck(at: number): boolean {
    const failed = this.#checks.findIndex((check) => check.fails(at))
    if (failed < 0) return true
    this.#reject(at, failed)
    this.#rejections = undefined
    return false
  }

  /** Returns why hosts may take no slot, at this moment. */
  rejections(): readonly Rejection[] {
    this.#rejections ??= toBoundedRejections(
      this.#tallies.flatMap((tally, index) => {
        if (tally.count > 0) tally.rejection ??= this.#toRejection(tally, index)
        return tally.rejection ?? []
      }),
    )
    return this.#rejections
  }

  /** Puts the hosts that pass the first `count` checks into `room`, yielding after each. Returns how many those are. */
  *#keepCommon(room: Int32Array, count: number): Generator<void, number> {
    const details = this.#checks.slice(0, count).map(({ detail }) => detail)
    const { passing, tallies } = yield* this.#fleet.keepSteps(`common ${details.join('|')}`, () =>
      this.#siftCommon(room, count),
    )
    room.set(passing)
    for (const [index, tally] of tallies.entries()) Object.assign(this.#tallies[index] as Tally, tally)
    return passing.length
  }

  /** Checks every host by the first `count` checks, for all requests that begin with the same ones: no slot changes them. */
  *#siftCommon(room: Int32Array, count: number): Generator<void, Common> {
    for (let at = 0; at < room.length; at++) room[at] = at
    let size = room.length
    for (let index = 0; index < count; index++) {
      size = this.#keepPassing(room.subarray(0, size), index)
      yield
    }
    const tallies = this.#tallies.slice(0, count)
    for (const [index, tally] of tallies.entries())
      if (tally.count > 0) tally.rejection = this.#toRejection(tally, index)
    return { passing: room.slice(0, size), tallies }
  }

  /** Moves the hosts that pass one check to the front. Returns how many those are. */
  #keepPassing(hosts: Int32Array, index: number): number {
    const check = this.#checks[index] as Check
    const { marks } = check
    let kept = 0
    for (let place = 0; place < hosts.length; place++) {
      const at = hosts[place] as number
      // Reading a column is much cheaper than a call, and most checks have one.
      if (marks ? marks[at] === 0 : check.fails(at)) this.#reject(at, index)
      else hosts[kept++] = at
    }
    return kept
  }

  #reject(at: number, index: number): void {
    const tally = this.#tallies[index] as Tally
    const { rank } = this.#checks[index] as Check
    tally.count++
    tally.rejection = undefined
    const { examples } = tally
    if (!rank) {
      if (examples.length < MAX_EXAMPLES) examples.push(at)
      return
    }
    const place = examples.findIndex((other) => rank(other) < rank(at))
    if (place >= 0) examples.splice(place, 0, at)
    else examples.push(at)
    if (examples.length > MAX_EXAMPLES) examples.pop()
  }

  #toRejection({ count, examples }: Tally, index: number): Rejection {
    const { filter, detail, evidence } = this.#checks[index] as Check
    const named = examples.map((at) => ({
      host: this.#fleet.host(at).name,
      evidence: evidence?.(at) ?? null,
    }))
    return { filter, detail, count, examples: named }
  }
}
