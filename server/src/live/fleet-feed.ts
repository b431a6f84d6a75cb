import { randomUUID } from 'node:crypto'
import { Inject, Injectable } from '@nestjs/common'
import type { AgentChange, AgentView, LiveEvent, LiveRequest } from '@rollcall/contracts/admin'
import { type WebSocket } from 'ws'
import { type HostScope, isInScope } from '../access/index.ts'
import { FleetRepository } from '../heartbeats/index.ts'
import { Alarm } from '../platform/clock/alarm.ts'
import { Clock } from '../platform/clock/clock.ts'
import { Repeater } from '../platform/clock/repeater.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { Notifications } from '../platform/prisma/notifications.ts'
import { type Difference, KnownFleet } from './domain/known-fleet.ts'

/** The channel on which the database names hosts that have changed; `*` for many. */
const CHANNEL = 'rollcall_hosts'
const LOOK_INTERVAL_MS = 1000
/** Between two looks at least, however much happens. */
const BREATH_MS = 50
/** What was committed a little late by another server is seen all the same. */
const OVERLAP_MS = 5000
/** Between two whole readings, which find what nobody told; and at least, when much is told. */
const READING_INTERVAL_MS = 60_000
const READING_PAUSE_MS = 2000
/** Hosts that are read by their names at a time; with more, all are read. */
const MOST_NAMED = 1000
/** Whoever comes back so soon after the last viewer left goes on where it was. */
const LINGER_MS = 30_000
const AGENTS_PER_MESSAGE = 500
const PAGE = 1000
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

/** What is known from one beginning of looking to its end. */
class Sight {
  readonly stop = new AbortController()
  readonly news = new Alarm()
  readonly known = new KnownFleet()
  readonly named = new Set<string>()
  /** A cursor holds for one sight only: another one counts anew. */
  readonly id = randomUUID().slice(0, 8)
  lastLookMs = 0
  lastReadingMs = 0
  isWholeWanted = true
  emptySinceMs: number | undefined

  get cursor(): string {
    return `${this.id}.${this.known.sequence}`
  }
}

/**
 * Shows the fleet to those who watch: once whole, then what changes. Looks into the database, whichever server wrote it,
 * only while somebody watches, each second and as soon as the database says that a host has changed; one reading serves
 * all watchers.
 */
@Injectable()
export class FleetFeed {
  private readonly watchers = new Map<WebSocket, Watcher>()
  private sight: Sight | undefined

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
    this.sight.news.ring()
  }

  unwatch(socket: WebSocket): void {
    this.watchers.delete(socket)
  }

  close(): void {
    this.sight?.stop.abort()
    this.sight = undefined
  }

  private open(): Sight {
    const sight = new Sight()
    const { signal } = sight.stop
    const unlisten = this.notifications.listen(CHANNEL, {
      onNotice: (payload) => {
        if (payload === '*') sight.isWholeWanted = true
        else for (const hostId of payload.split(' ')) sight.named.add(hostId)
        sight.news.ring()
      },
      onGap: () => {
        sight.isWholeWanted = true
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

  private async look(sight: Sight, nowMs: number): Promise<void> {
    if (this.isDeserted(sight, nowMs)) return this.close()
    const news = await this.read(sight, nowMs).catch((error) => {
      // What was named is not known any more.
      sight.isWholeWanted = true
      throw error
    })
    if (sight.stop.signal.aborted) return
    const countStates = memoized((text) => {
      const scope: HostScope = JSON.parse(text)
      return JSON.stringify(sight.known.countStates(({ labels }) => isInScope(scope, labels)))
    })
    for (const [socket, watcher] of this.watchers) this.feed(sight, socket, watcher, news, countStates)
  }

  private isDeserted(sight: Sight, nowMs: number): boolean {
    if (this.watchers.size > 0) sight.emptySinceMs = undefined
    else sight.emptySinceMs ??= nowMs
    return sight.emptySinceMs !== undefined && nowMs - sight.emptySinceMs > LINGER_MS
  }

  /** Named hosts at once, those that have answered each second, and all of them now and then. */
  private async read(sight: Sight, nowMs: number): Promise<Difference> {
    const named = [...sight.named]
    sight.named.clear()
    if (named.length > MOST_NAMED) sight.isWholeWanted = true
    const pauseMs = sight.isWholeWanted ? READING_PAUSE_MS : READING_INTERVAL_MS
    if (nowMs - sight.lastReadingMs >= pauseMs) {
      sight.isWholeWanted = false
      const all = await this.readAll()
      sight.lastReadingMs = sight.lastLookMs = nowMs
      return sight.known.take(all, true)
    }
    const ofNamed =
      named.length > 0 && named.length <= MOST_NAMED
        ? sight.known.takeNamed(named, await this.fleet.ofHosts(named))
        : NOTHING_NEW
    if (nowMs - sight.lastLookMs < LOOK_INTERVAL_MS) return ofNamed
    const changed = await this.fleet.changedSince(new Date(sight.lastLookMs - OVERLAP_MS))
    sight.lastLookMs = nowMs
    const ofAll = sight.known.take(changed, false)
    return { changes: [...ofNamed.changes, ...ofAll.changes], removed: ofNamed.removed }
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

  private feed(
    sight: Sight,
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
  private resume(sight: Sight, { since, scope }: Watcher): Difference | undefined {
    const [id, sequence] = since?.split('.') ?? []
    return id === sight.id && scope === null ? sight.known.since(Number(sequence)) : undefined
  }

  private snapshot(sight: Sight, watcher: Watcher): Difference {
    const { hostIds, scope } = watcher
    const wanted = hostIds
      ? [...hostIds].flatMap((hostId) => sight.known.get(hostId) ?? [])
      : sight.known.all()
    const changes = wanted.filter(({ labels }) => isInScope(scope, labels))
    if (watcher.told) watcher.told = new Set(changes.map(({ hostId }) => hostId))
    return { changes, removed: [] }
  }

  /** A host whose labels have changed may come into somebody's scope, as a whole, or leave it. */
  private within(sight: Sight, { scope, hostIds, told }: Watcher, news: Difference): Difference {
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

const NOTHING_NEW: Difference = { changes: [], removed: [] }

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
      ...{ type: 'fleet', isSnapshot, isComplete: isLast, cursor },
      agents: agents.slice(index * AGENTS_PER_MESSAGE, (index + 1) * AGENTS_PER_MESSAGE),
      removed: isLast ? removed : [],
      ...(isLast && states && { states }),
    }
    socket.send(JSON.stringify(event))
  }
}
