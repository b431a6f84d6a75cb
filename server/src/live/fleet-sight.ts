import { randomUUID } from 'node:crypto'
import type { AgentView } from '@rollcall/contracts/admin'
import type { FleetRepository } from '../heartbeats/index.ts'
import { Alarm } from '../platform/clock/alarm.ts'
import { type Difference, KnownFleet } from './domain/known-fleet.ts'

/** Between two looks at hosts that have answered. */
export const LOOK_INTERVAL_MS = 1000
/** What was committed a little late by another server is seen all the same. */
const OVERLAP_MS = 5000
/** Between two whole readings, which find what nobody told; and at least, when much is told. */
const READING_INTERVAL_MS = 60_000
const READING_PAUSE_MS = 2000
/** Hosts that are read by their names at a time; of more, all that have changed are read. */
const MAX_NAMED = 1000
const PAGE = 1000

const NOTHING_NEW: Difference = { changes: [], removed: [] }

/** What is known of the fleet from one beginning of looking to its end, and the looking. */
export class FleetSight {
  readonly stop = new AbortController()
  readonly news = new Alarm()
  readonly known = new KnownFleet()
  /** A cursor holds for one sight only: another one counts anew. */
  private readonly id = randomUUID().slice(0, 8)
  private readonly named = new Set<string>()
  private lastLookMs = 0
  private lastReadingMs = 0
  private isWholeWanted = true
  emptySinceMs: number | undefined

  constructor(private readonly fleet: FleetRepository) {}

  get cursor(): string {
    return `${this.id}.${this.known.sequence}`
  }

  /** The sequence of a cursor; undefined when that is another sight's. */
  sequenceOf(cursor: string | undefined): number | undefined {
    const [id, sequence] = cursor?.split('.') ?? []
    return id === this.id ? Number(sequence) : undefined
  }

  /** Has these hosts read at the next look, or all of them. */
  name(hostIds: readonly string[] | undefined): void {
    if (!hostIds) this.isWholeWanted = true
    else for (const hostId of hostIds) this.named.add(hostId)
  }

  /**
   * What is new. Hosts that were named are read at once; each second those that have answered, of `wanted` when
   * somebody wants no others; all of them now and then.
   */
  async read(nowMs: number, wanted: ReadonlySet<string> | undefined): Promise<Difference> {
    const named = new Set(this.named)
    this.named.clear()
    if (named.size > MAX_NAMED) this.isWholeWanted = true
    try {
      return await this.readWhat(nowMs, named, wanted)
    } catch (error) {
      // What was named is not known any more.
      this.isWholeWanted = true
      throw error
    }
  }

  private async readWhat(
    nowMs: number,
    named: Set<string>,
    wanted: ReadonlySet<string> | undefined,
  ): Promise<Difference> {
    const pauseMs = this.isWholeWanted ? READING_PAUSE_MS : READING_INTERVAL_MS
    if (nowMs - this.lastReadingMs >= pauseMs) {
      this.isWholeWanted = false
      const all = await this.readAll()
      this.lastReadingMs = this.lastLookMs = nowMs
      return this.known.take(all, true)
    }
    const isDue = nowMs - this.lastLookMs >= LOOK_INTERVAL_MS
    const isFew = wanted !== undefined && wanted.size + named.size <= MAX_NAMED
    if (isDue && isFew) for (const hostId of wanted) named.add(hostId)
    const ofNamed = await this.readNamed(named)
    if (!isDue) return ofNamed
    const sinceMs = this.lastLookMs
    this.lastLookMs = nowMs
    if (isFew) return ofNamed
    const changed = await this.fleet.changedSince(new Date(sinceMs - OVERLAP_MS))
    const { changes } = this.known.take(changed, false)
    return { changes: [...ofNamed.changes, ...changes], removed: ofNamed.removed }
  }

  private async readNamed(named: ReadonlySet<string>): Promise<Difference> {
    if (named.size === 0 || named.size > MAX_NAMED) return NOTHING_NEW
    const hostIds = [...named]
    return this.known.takeNamed(hostIds, await this.fleet.ofHosts(hostIds))
  }

  private async readAll(): Promise<AgentView[]> {
    const all: AgentView[] = []
    for (let after: string | undefined; ; ) {
      const page = await this.fleet.agents({ after, limit: PAGE })
      all.push(...page)
      if (page.length < PAGE) return all
      after = page.at(-1)?.host
    }
  }
}
