import { Injectable } from '@nestjs/common'
import type { AgentChange, LiveEvent, LiveRequest } from '@rollcall/contracts/admin'
import { type WebSocket } from 'ws'
import { type HostScope, isInScope } from '../access/index.ts'
import { FleetRepository } from '../heartbeats/index.ts'
import { Reconciler, type Requeue } from '../platform/background/reconciler.ts'
import { Clock } from '../platform/clock/clock.ts'
import { Notifications } from '../platform/prisma/notifications.ts'
import type { Difference } from './domain/known-fleet.ts'
import { FleetSnapshotCache, POLL_INTERVAL_MS } from './fleet-snapshot-cache.ts'

/** The channel on which the database names hosts that have changed; `*` for many. */
const CHANNEL = 'rollcall_hosts'
const MIN_POLL_INTERVAL_MS = 50
/** How long the cache is kept after the last watcher left: one that reconnects meanwhile resumes at its cursor. */
const KEEP_CACHE_MS = 30_000
const AGENTS_PER_MESSAGE = 500
/** A watcher with this much unsent is sent nothing, and a new snapshot once it has caught up. */
const MAX_UNSENT_BYTES = 4 * 1024 * 1024

type WatchOptions = Omit<LiveRequest & { type: 'watch-fleet' }, 'type'>

interface Watcher {
  /** The hosts that the watcher may see. */
  scope: HostScope
  /** The hosts that it asked for; undefined for all in its scope. */
  hostIds: ReadonlySet<string> | undefined
  /** It missed changes, or is new: it is sent a snapshot next, or the changes since its cursor. */
  isBehind: boolean
  since: string | undefined
  /** For a limited scope, the hosts that it was sent: the removal of others is not published to it. */
  sent: Set<string> | undefined
  /** The counts that it was sent last. */
  states: string
}

/**
 * Publishes the fleet to watchers: a snapshot, then changes. Polls the database only while there are watchers, each second and when it
 * notifies of a change; one read serves all watchers.
 */
@Injectable()
export class FleetFeed extends Reconciler {
  override readonly name = 'fleet-feed'
  override readonly intervalMs = POLL_INTERVAL_MS
  override readonly minPauseMs = MIN_POLL_INTERVAL_MS
  private readonly watchers = new Map<WebSocket, Watcher>()
  private cache: FleetSnapshotCache | undefined
  private unlisten: () => void = () => undefined
  /** When the last watcher left. */
  private emptySinceMs: number | undefined

  constructor(
    private readonly fleet: FleetRepository,
    private readonly notifications: Notifications,
    private readonly clock: Clock,
  ) {
    super()
  }

  watch(socket: WebSocket, scope: HostScope, { hostIds, since }: WatchOptions): void {
    const wanted = hostIds && new Set(hostIds)
    const sent = scope === null ? undefined : new Set<string>()
    this.watchers.set(socket, { scope, hostIds: wanted, since, isBehind: true, sent, states: '' })
    this.cache ??= this.open()
    // Hosts that were not watched so far may be out of date in the cache.
    this.cache.invalidate(hostIds)
    this.wake()
  }

  unwatch(socket: WebSocket): void {
    this.watchers.delete(socket)
  }

  close(): void {
    this.unlisten()
    this.cache = undefined
  }

  private open(): FleetSnapshotCache {
    const cache = new FleetSnapshotCache(this.fleet)
    const invalidate = (hostIds: readonly string[] | undefined) => {
      cache.invalidate(hostIds)
      this.wake()
    }
    this.emptySinceMs = undefined
    this.unlisten = this.notifications.listen(CHANNEL, {
      onNotice: (payload) => invalidate(payload === '*' ? undefined : payload.split(' ')),
      onGap: () => invalidate(undefined),
    })
    return cache
  }

  override async reconcile(now: Date): Promise<Requeue> {
    const beganMs = now.getTime()
    const { cache } = this
    if (cache && this.isAbandoned(beganMs)) this.close()
    else if (cache) await this.publish(cache, beganMs)
    const tookMs = this.clock.now().getTime() - beganMs
    return { requeueAfterMs: Math.max(0, POLL_INTERVAL_MS - Math.max(0, tookMs)) }
  }

  private async publish(cache: FleetSnapshotCache, nowMs: number): Promise<void> {
    const difference = await cache.read(nowMs, this.wanted())
    // Closed meanwhile.
    if (this.cache !== cache) return
    const countStates = memoized((text) => {
      const scope: HostScope = JSON.parse(text)
      return JSON.stringify(cache.known.countStates(({ labels }) => isInScope(scope, labels)))
    })
    for (const [socket, watcher] of this.watchers) this.send(cache, socket, watcher, difference, countStates)
  }

  /** Returns the ids of all watched hosts; undefined when a watcher wants all. */
  private wanted(): Set<string> | undefined {
    const wanted = new Set<string>()
    for (const { hostIds } of this.watchers.values()) {
      if (!hostIds) return undefined
      for (const hostId of hostIds) wanted.add(hostId)
    }
    return wanted
  }

  private isAbandoned(nowMs: number): boolean {
    if (this.watchers.size > 0) this.emptySinceMs = undefined
    else this.emptySinceMs ??= nowMs
    return this.emptySinceMs !== undefined && nowMs - this.emptySinceMs > KEEP_CACHE_MS
  }

  private send(
    cache: FleetSnapshotCache,
    socket: WebSocket,
    watcher: Watcher,
    latest: Difference,
    countStates: (scope: string) => string,
  ): void {
    if (socket.readyState !== socket.OPEN) return
    if (socket.bufferedAmount > MAX_UNSENT_BYTES) {
      watcher.isBehind = true
      return
    }
    const difference = watcher.isBehind ? this.resume(cache, watcher) : latest
    const isSnapshot = difference === undefined
    const { changes, removed } = isSnapshot
      ? this.snapshot(cache, watcher)
      : this.within(cache, watcher, difference)
    const text = countStates(JSON.stringify(watcher.scope))
    const states = text === watcher.states ? undefined : JSON.parse(text)
    const hasChanged = changes.length > 0 || removed.length > 0 || states !== undefined
    if (!hasChanged && !watcher.isBehind) return
    watcher.isBehind = false
    watcher.since = undefined
    watcher.states = text
    sendFleet(socket, { agents: changes, removed, states, cursor: cache.cursor, isSnapshot })
  }

  /** Returns the changes since the watcher's cursor; undefined for a limited scope, since what it was sent is not known. */
  private resume(cache: FleetSnapshotCache, { since, scope }: Watcher): Difference | undefined {
    const sequence = scope === null ? cache.sequenceOf(since) : undefined
    return sequence === undefined ? undefined : cache.known.since(sequence)
  }

  private snapshot(cache: FleetSnapshotCache, watcher: Watcher): Difference {
    const { hostIds, scope } = watcher
    const wanted = hostIds
      ? [...hostIds].flatMap((hostId) => cache.known.get(hostId) ?? [])
      : cache.known.all()
    const changes = wanted.filter(({ labels }) => isInScope(scope, labels))
    if (watcher.sent) watcher.sent = new Set(changes.map(({ hostId }) => hostId))
    return { changes, removed: [] }
  }

  /** Returns what of the changes the watcher may see. A host whose labels changed may enter its scope, as a whole, or leave it. */
  private within(
    cache: FleetSnapshotCache,
    { scope, hostIds, sent }: Watcher,
    latest: Difference,
  ): Difference {
    const isWanted = (hostId: string) => !hostIds || hostIds.has(hostId)
    if (!sent)
      return hostIds
        ? {
            changes: latest.changes.filter(({ hostId }) => isWanted(hostId)),
            removed: latest.removed.filter(isWanted),
          }
        : latest
    const changes: AgentChange[] = []
    const removed = latest.removed.filter((hostId) => sent.delete(hostId))
    for (const change of latest.changes.filter(({ hostId }) => isWanted(hostId))) {
      const agent = cache.known.get(change.hostId)
      if (!agent || !isInScope(scope, agent.labels)) {
        if (sent.delete(change.hostId)) removed.push(change.hostId)
      } else {
        changes.push(sent.has(change.hostId) ? change : agent)
        sent.add(change.hostId)
      }
    }
    return { changes, removed }
  }
}

/** Returns `work` with its results cached by key. */
function memoized(work: (key: string) => string): (key: string) => string {
  const known = new Map<string, string>()
  return (key) => {
    const answer = known.get(key) ?? work(key)
    known.set(key, answer)
    return answer
  }
}

function sendFleet(
  socket: WebSocket,
  { agents, removed, states, cursor, isSnapshot }: Omit<LiveEvent & { type: 'fleet' }, 'type' | 'isComplete'>,
): void {
  const messages = Math.max(1, Math.ceil(agents.length / AGENTS_PER_MESSAGE))
  for (let index = 0; index < messages; index++) {
    const isLast = index === messages - 1
    const event: LiveEvent = {
      type: 'fleet',
      isSnapshot,
      isComplete: isLast,
      cursor,
      agents: agents.slice(index * AGENTS_PER_MESSAGE, (index + 1) * AGENTS_PER_MESSAGE),
      removed: isLast ? removed : [],
      ...(isLast && states && { states }),
    }
    socket.send(JSON.stringify(event))
  }
}
