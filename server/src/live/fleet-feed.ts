import { Inject, Injectable } from '@nestjs/common'
import type { AgentChange, LiveEvent, LiveRequest } from '@rollcall/contracts/admin'
import { type WebSocket } from 'ws'
import { type HostScope, isInScope } from '../access/index.ts'
import { FleetRepository } from '../heartbeats/index.ts'
import { Clock } from '../platform/clock/clock.ts'
import { Repeater } from '../platform/clock/repeater.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { Notifications } from '../platform/prisma/notifications.ts'
import type { Difference } from './domain/known-fleet.ts'
import { FleetSight, LOOK_INTERVAL_MS } from './fleet-sight.ts'

/** The channel on which the database names hosts that have changed; `*` for many. */
const CHANNEL = 'rollcall_hosts'
/** Between two looks at least, however much happens. */
const BREATH_MS = 50
/** Whoever comes back so soon after the last viewer left goes on where it was. */
const LINGER_MS = 30_000
const AGENTS_PER_MESSAGE = 500
/** A viewer that has so much unsent is not fed; it gets a new snapshot when it has caught up. */
const SLOW_BYTES = 4 * 1024 * 1024

type Wish = Omit<LiveRequest & { type: 'watch-fleet' }, 'type'>

interface Watcher {
  /** The hosts that exist for whoever watches. */
  scope: HostScope
  /** Of these, those it wants to be told of; all when it named none. */
  hostIds: ReadonlySet<string> | undefined
  /** It missed something, or is new: the next thing it gets is a snapshot, or what is new since its cursor. */
  isBehind: boolean
  since: string | undefined
  /** What it was told of, where it may not see everything: of nothing else it is told that it left. */
  told: Set<string> | undefined
  /** As it was told last. */
  states: string
}

/**
 * Shows the fleet to those who watch: once whole, then what changes. Looks into the database, whichever server wrote it,
 * only while somebody watches, each second and as soon as the database says that a host has changed; one reading serves
 * all watchers.
 */
@Injectable()
export class FleetFeed {
  private readonly watchers = new Map<WebSocket, Watcher>()
  private sight: FleetSight | undefined

  constructor(
    private readonly fleet: FleetRepository,
    private readonly notifications: Notifications,
    private readonly clock: Clock,
    private readonly repeater: Repeater,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  watch(socket: WebSocket, scope: HostScope, { hostIds, since }: Wish): void {
    const wanted = hostIds && new Set(hostIds)
    const told = scope === null ? undefined : new Set<string>()
    this.watchers.set(socket, { scope, hostIds: wanted, since, isBehind: true, told, states: '' })
    this.sight ??= this.open()
    // Of hosts that nobody looked at before, what is known may be old.
    this.sight.name(hostIds)
    this.sight.news.ring()
  }

  unwatch(socket: WebSocket): void {
    this.watchers.delete(socket)
  }

  close(): void {
    this.sight?.stop.abort()
    this.sight = undefined
  }

  private open(): FleetSight {
    const sight = new FleetSight(this.fleet)
    const { signal } = sight.stop
    const unlisten = this.notifications.listen(CHANNEL, {
      onNotice: (payload) => {
        sight.name(payload === '*' ? undefined : payload.split(' '))
        sight.news.ring()
      },
      onGap: () => {
        sight.name(undefined)
        sight.news.ring()
      },
    })
    this.repeater
      .repeat('looking at the fleet', BREATH_MS, signal, async () => {
        const beganMs = this.clock.now().getTime()
        try {
          await this.look(sight, beganMs)
        } finally {
          const tookMs = this.clock.now().getTime() - beganMs
          await sight.news.wait(Math.max(0, LOOK_INTERVAL_MS - Math.max(0, tookMs)), signal)
        }
      })
      .catch((error) => this.log.error({ err: error }, 'watching the fleet ended with an error'))
      .finally(unlisten)
    return sight
  }

  private async look(sight: FleetSight, nowMs: number): Promise<void> {
    if (this.isDeserted(sight, nowMs)) return this.close()
    const news = await sight.read(nowMs, this.wanted())
    if (sight.stop.signal.aborted) return
    const countStates = memoized((text) => {
      const scope: HostScope = JSON.parse(text)
      return JSON.stringify(sight.known.countStates(({ labels }) => isInScope(scope, labels)))
    })
    for (const [socket, watcher] of this.watchers) this.feed(sight, socket, watcher, news, countStates)
  }

  /** The hosts that somebody looks at; undefined when somebody looks at all. */
  private wanted(): Set<string> | undefined {
    const wanted = new Set<string>()
    for (const { hostIds } of this.watchers.values()) {
      if (!hostIds) return undefined
      for (const hostId of hostIds) wanted.add(hostId)
    }
    return wanted
  }

  private isDeserted(sight: FleetSight, nowMs: number): boolean {
    if (this.watchers.size > 0) sight.emptySinceMs = undefined
    else sight.emptySinceMs ??= nowMs
    return sight.emptySinceMs !== undefined && nowMs - sight.emptySinceMs > LINGER_MS
  }

  private feed(
    sight: FleetSight,
    socket: WebSocket,
    watcher: Watcher,
    news: Difference,
    countStates: (scope: string) => string,
  ): void {
    if (socket.readyState !== socket.OPEN) return
    if (socket.bufferedAmount > SLOW_BYTES) {
      watcher.isBehind = true
      return
    }
    const difference = watcher.isBehind ? this.resume(sight, watcher) : news
    const isSnapshot = difference === undefined
    const { changes, removed } = isSnapshot
      ? this.snapshot(sight, watcher)
      : this.within(sight, watcher, difference)
    const text = countStates(JSON.stringify(watcher.scope))
    const states = text === watcher.states ? undefined : JSON.parse(text)
    const isNews = changes.length > 0 || removed.length > 0 || states !== undefined
    if (!isNews && !watcher.isBehind) return
    watcher.isBehind = false
    watcher.since = undefined
    watcher.states = text
    send(socket, { agents: changes, removed, states, cursor: sight.cursor, isSnapshot })
  }

  /** What is new since its cursor; not for those who may not see everything, since what they were told is not known. */
  private resume(sight: FleetSight, { since, scope }: Watcher): Difference | undefined {
    const sequence = scope === null ? sight.sequenceOf(since) : undefined
    return sequence === undefined ? undefined : sight.known.since(sequence)
  }

  private snapshot(sight: FleetSight, watcher: Watcher): Difference {
    const { hostIds, scope } = watcher
    const wanted = hostIds
      ? [...hostIds].flatMap((hostId) => sight.known.get(hostId) ?? [])
      : sight.known.all()
    const changes = wanted.filter(({ labels }) => isInScope(scope, labels))
    if (watcher.told) watcher.told = new Set(changes.map(({ hostId }) => hostId))
    return { changes, removed: [] }
  }

  /** A host whose labels have changed may come into somebody's scope, as a whole, or leave it. */
  private within(sight: FleetSight, { scope, hostIds, told }: Watcher, news: Difference): Difference {
    const isWanted = (hostId: string) => !hostIds || hostIds.has(hostId)
    if (!told)
      return hostIds
        ? {
            changes: news.changes.filter(({ hostId }) => isWanted(hostId)),
            removed: news.removed.filter(isWanted),
          }
        : news
    const changes: AgentChange[] = []
    const removed = news.removed.filter((hostId) => told.delete(hostId))
    for (const change of news.changes.filter(({ hostId }) => isWanted(hostId))) {
      const agent = sight.known.get(change.hostId)
      if (!agent || !isInScope(scope, agent.labels)) {
        if (told.delete(change.hostId)) removed.push(change.hostId)
      } else {
        changes.push(told.has(change.hostId) ? change : agent)
        told.add(change.hostId)
      }
    }
    return { changes, removed }
  }
}

/** Asked the same again, it answers what it answered. */
function memoized(work: (key: string) => string): (key: string) => string {
  const known = new Map<string, string>()
  return (key) => {
    const answer = known.get(key) ?? work(key)
    known.set(key, answer)
    return answer
  }
}

function send(
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
