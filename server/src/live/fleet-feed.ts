import { Inject, Injectable } from '@nestjs/common'
import type { AgentChange, AgentView, LiveEvent } from '@rollcall/contracts/admin'
import { type WebSocket } from 'ws'
import { type HostScope, isInScope } from '../access/index.ts'
import { FleetRepository } from '../heartbeats/index.ts'
import { Clock } from '../platform/clock/clock.ts'
import { Repeater } from '../platform/clock/repeater.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { differenceOf } from './domain/fleet-difference.ts'

const LOOK_INTERVAL_MS = 1000
/** What was committed a little late by another server is seen all the same. */
const OVERLAP_MS = 5000
/** Looks between two whole readings, which also notice who left. */
const LOOKS_PER_READING = 15
const AGENTS_PER_MESSAGE = 500
const PAGE = 5000
/** A viewer that has so much unsent is not fed; it gets a new snapshot when it has caught up. */
const SLOW_BYTES = 4 * 1024 * 1024

interface Watcher {
  /** The hosts that exist for whoever watches. */
  scope: HostScope
  /** It missed something, or is new: the next thing it gets is a snapshot. */
  isBehind: boolean
}

/**
 * Shows the fleet to those who watch: once whole, then what changes. Looks into the database, whichever server wrote it,
 * and only while somebody watches; one reading serves all watchers.
 */
@Injectable()
export class FleetFeed {
  private readonly watchers = new Map<WebSocket, Watcher>()
  private shown = new Map<string, AgentView>()
  private loop: { stop: AbortController; done: Promise<void> } | undefined

  constructor(
    private readonly fleet: FleetRepository,
    private readonly clock: Clock,
    private readonly repeater: Repeater,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  watch(socket: WebSocket, scope: HostScope): void {
    this.watchers.set(socket, { scope, isBehind: true })
    if (this.loop) return
    const stop = new AbortController()
    let looks = 0
    const done = this.repeater.repeat('looking at the fleet', LOOK_INTERVAL_MS, stop.signal, async () => {
      const isWhole = looks++ % LOOKS_PER_READING === 0
      await this.look(isWhole, stop.signal)
    })
    this.loop = { stop, done }
  }

  unwatch(socket: WebSocket): void {
    this.watchers.delete(socket)
    if (this.watchers.size === 0) this.close()
  }

  close(): void {
    const { loop } = this
    this.loop = undefined
    loop?.stop.abort()
    this.shown.clear()
    loop?.done.catch((error) => this.log.error({ err: error }, 'watching the fleet ended with an error'))
  }

  private async look(isWhole: boolean, stopped: AbortSignal): Promise<void> {
    const agents = isWhole
      ? await this.readAll()
      : await this.fleet.changedSince(new Date(this.clock.now().getTime() - LOOK_INTERVAL_MS - OVERLAP_MS))
    // Nobody watches any more, or somebody new does, whose own look must not be mixed with this older one.
    if (stopped.aborted) return
    const changes: AgentChange[] = []
    for (const agent of agents) {
      const change = differenceOf(this.shown.get(agent.hostId), agent)
      if (change) changes.push(change)
      this.shown.set(agent.hostId, agent)
    }
    const removed = isWhole ? this.dropAllBut(new Set(agents.map(({ hostId }) => hostId))) : []
    for (const [socket, watcher] of this.watchers) this.feed(socket, watcher, changes, removed)
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

  private dropAllBut(present: Set<string>): string[] {
    const gone = [...this.shown.keys()].filter((hostId) => !present.has(hostId))
    for (const hostId of gone) this.shown.delete(hostId)
    return gone
  }

  private feed(socket: WebSocket, watcher: Watcher, changes: AgentChange[], removed: string[]): void {
    if (socket.readyState !== socket.OPEN) return
    if (socket.bufferedAmount > SLOW_BYTES) {
      watcher.isBehind = true
      return
    }
    if (watcher.isBehind) {
      watcher.isBehind = false
      const agents = [...this.shown.values()].filter(({ labels }) => isInScope(watcher.scope, labels))
      send(socket, agents, [], true)
      return
    }
    const { seen, gone } = this.withinScope(watcher.scope, changes, removed)
    if (seen.length > 0 || gone.length > 0) send(socket, seen, gone, false)
  }

  /** A host whose labels have changed may come into somebody's scope, as a whole, or leave it. */
  private withinScope(scope: HostScope, changes: AgentChange[], removed: string[]) {
    if (scope === null) return { seen: changes, gone: removed }
    const seen: AgentChange[] = []
    const gone = [...removed]
    for (const change of changes) {
      const agent = this.shown.get(change.hostId)
      if (!agent || !isInScope(scope, agent.labels)) gone.push(change.hostId)
      else seen.push(change.labels ? agent : change)
    }
    return { seen, gone }
  }
}

function send(socket: WebSocket, agents: AgentChange[], removed: string[], isSnapshot: boolean): void {
  const messages = Math.max(1, Math.ceil(agents.length / AGENTS_PER_MESSAGE))
  for (let index = 0; index < messages; index++) {
    const isLast = index === messages - 1
    const event: LiveEvent = {
      type: 'fleet',
      isSnapshot,
      isComplete: isLast,
      agents: agents.slice(index * AGENTS_PER_MESSAGE, (index + 1) * AGENTS_PER_MESSAGE),
      removed: isLast ? removed : [],
    }
    socket.send(JSON.stringify(event))
  }
}
