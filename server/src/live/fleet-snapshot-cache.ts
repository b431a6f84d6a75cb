import { randomUUID } from 'node:crypto'
import type { AgentView } from '@rollcall/contracts/admin'
import type { FleetRepository } from '../heartbeats/index.ts'
import { type Difference, KnownFleet } from './domain/known-fleet.ts'

/** From one read of the hosts that have answered to the next. */
export const POLL_INTERVAL_MS = 1000
/** Overlap of two reads: another server may commit a row this long after its timestamp. */
const OVERLAP_MS = 5000
/** From one read of the whole fleet, which finds what no notification named, to the next; and at least, when much is named. */
const FULL_READ_INTERVAL_MS = 60_000
const MIN_FULL_READ_PAUSE_MS = 2000
/** Hosts that are read by id at once; of more, all that have changed are read. */
const MAX_INVALIDATED = 1000
const PAGE_SIZE = 1000

const NO_DIFFERENCE: Difference = { changes: [], removed: [] }

/** The fleet as it was last read, from the first watcher's coming until the last has left. */
export class FleetSnapshotCache {
  readonly known = new KnownFleet()
  /** Cursors of another cache are unknown here: each counts its own changes. */
  private readonly id = randomUUID().slice(0, 8)
  private readonly invalidated = new Set<string>()
  private lastPollMs = 0
  private lastFullReadMs = 0
  private isFullReadWanted = true

  constructor(private readonly fleet: FleetRepository) {}

  get cursor(): string {
    return `${this.id}.${this.known.sequence}`
  }

  /** Returns the sequence of a cursor; undefined when it is another cache's. */
  sequenceOf(cursor: string | undefined): number | undefined {
    const [id, sequence] = cursor?.split('.') ?? []
    return id === this.id ? Number(sequence) : undefined
  }

  /** Has these hosts, or all, read again at the next poll. */
  invalidate(hostIds: readonly string[] | undefined): void {
    if (!hostIds) this.isFullReadWanted = true
    else for (const hostId of hostIds) this.invalidated.add(hostId)
  }

  /**
   * Reads what may have changed and returns what has. Invalidated hosts are read at every call, hosts that have answered each second
   * (of `wanted` alone, if given), and the whole fleet each minute.
   */
  async read(nowMs: number, wanted: ReadonlySet<string> | undefined): Promise<Difference> {
    const ids = new Set(this.invalidated)
    this.invalidated.clear()
    if (ids.size > MAX_INVALIDATED) this.isFullReadWanted = true
    try {
      return await this.readDue(nowMs, ids, wanted)
    } catch (error) {
      // The ids to read are lost.
      this.isFullReadWanted = true
      throw error
    }
  }

  private async readDue(
    nowMs: number,
    ids: Set<string>,
    wanted: ReadonlySet<string> | undefined,
  ): Promise<Difference> {
    const pauseMs = this.isFullReadWanted ? MIN_FULL_READ_PAUSE_MS : FULL_READ_INTERVAL_MS
    if (nowMs - this.lastFullReadMs >= pauseMs) {
      this.isFullReadWanted = false
      const all = await this.readAll()
      this.lastFullReadMs = this.lastPollMs = nowMs
      return this.known.take(all, true)
    }
    const isDue = nowMs - this.lastPollMs >= POLL_INTERVAL_MS
    const isFew = wanted !== undefined && wanted.size + ids.size <= MAX_INVALIDATED
    if (isDue && isFew) for (const hostId of wanted) ids.add(hostId)
    const byId = await this.readByIds(ids)
    if (!isDue) return byId
    const sinceMs = this.lastPollMs
    this.lastPollMs = nowMs
    if (isFew) return byId
    const changed = await this.fleet.changedSince(new Date(sinceMs - OVERLAP_MS))
    const { changes } = this.known.take(changed, false)
    return { changes: [...byId.changes, ...changes], removed: byId.removed }
  }

  private async readByIds(ids: ReadonlySet<string>): Promise<Difference> {
    if (ids.size === 0 || ids.size > MAX_INVALIDATED) return NO_DIFFERENCE
    const hostIds = [...ids]
    return this.known.takeByIds(hostIds, await this.fleet.ofHosts(hostIds))
  }

  private async readAll(): Promise<AgentView[]> {
    const all: AgentView[] = []
    for (let after: string | undefined; ; ) {
      const page = await this.fleet.agents(after, PAGE_SIZE)
      all.push(...page)
      if (page.length < PAGE_SIZE) return all
      after = page.at(-1)?.host
    }
  }
}
