import type { AgentChange, AgentView, HostState, LiveEvent } from '@rollcall/contracts/admin'
import { agentView } from '@rollcall/contracts/admin/heartbeats/schemas'
import { MAX_AGENTS } from '../api/agents.ts'
import { CliError } from '../errors.ts'

const WATCHED = [
  'host',
  'state',
  'stateCode',
  'stateReason',
  'stateSince',
  'lastAnswerAt',
  'areValuesStale',
  'cpuPercent',
  'memoryPercent',
  'diskPercent',
] as const satisfies (keyof AgentView)[]

/** The part of an agent that is kept. */
export type WatchedAgent = Pick<AgentView, (typeof WATCHED)[number]>

/** `from` is null for a host that is new, `to` is `removed` for one that left the fleet. */
export interface StateChange {
  at: string
  hostId: string
  host: string
  from: HostState | null
  to: HostState | 'removed'
  code: string | null
  reason: string | null
}

interface News {
  /** Changes since the last known state; none for the first snapshot. */
  changes: StateChange[]
  /** A snapshot is complete. */
  isWhole: boolean
  /** A difference refers to an unknown host: a new snapshot is needed. */
  isMissing: boolean
}

/** The fleet as last reported. Throws `CliError` rather than hold more agents than `most`. */
export class FleetView {
  private known = new Map<string, WatchedAgent>()
  private incoming: Map<string, WatchedAgent> | undefined
  private isKnown = false
  private isAwaitingSnapshot = true

  constructor(private readonly most = MAX_AGENTS) {}

  get agents(): WatchedAgent[] {
    return [...this.known.values()]
  }

  /** Ignores differences until the next snapshot. */
  awaitSnapshot(): void {
    this.incoming = undefined
    this.isAwaitingSnapshot = true
  }

  take(event: LiveEvent & { type: 'fleet' }, now: Date): News {
    const news: News = { changes: [], isWhole: false, isMissing: false }
    if (event.isSnapshot) this.takeSnapshot(event, now, news)
    else if (this.incoming) news.isMissing = true
    else if (!this.isAwaitingSnapshot) this.takeDifference(event, now, news)
    return news
  }

  private takeSnapshot({ agents, isComplete }: LiveEvent & { type: 'fleet' }, now: Date, news: News): void {
    this.incoming ??= new Map()
    for (const agent of agents) {
      const whole = agentView.safeParse(agent)
      if (whole.success) this.keep(this.incoming, agent.hostId, whole.data)
      else news.isMissing = true
    }
    if (!isComplete || news.isMissing) return
    if (this.isKnown) news.changes = changesBetween(this.known, this.incoming, now)
    this.known = this.incoming
    this.incoming = undefined
    this.isKnown = true
    this.isAwaitingSnapshot = false
    news.isWhole = true
  }

  private takeDifference({ agents, removed }: LiveEvent & { type: 'fleet' }, now: Date, news: News): void {
    for (const change of agents) {
      const before = this.known.get(change.hostId)
      const next = before ? { ...before, ...toPart(change) } : agentView.safeParse(change).data
      if (!next) {
        news.isMissing = true
        continue
      }
      this.keep(this.known, change.hostId, next)
      news.changes.push(...toChange(change.hostId, before, next, now))
    }
    for (const hostId of removed) {
      const before = this.known.get(hostId)
      if (before) news.changes.push(toRemoval(hostId, before, now))
      this.known.delete(hostId)
    }
  }

  private keep(agents: Map<string, WatchedAgent>, hostId: string, agent: WatchedAgent): void {
    agents.set(hostId, toPart(agent) as WatchedAgent)
    if (agents.size > this.most)
      throw new CliError(`The server reports more than ${this.most} hosts; that is too many to watch.`)
  }
}

/** Returns of an agent, or of a change of one, the part that is kept. */
const toPart = (agent: AgentChange | WatchedAgent) =>
  Object.fromEntries(
    WATCHED.filter((key) => agent[key] !== undefined).map((key) => [key, agent[key]]),
  ) as Partial<WatchedAgent>

function changesBetween(
  before: ReadonlyMap<string, WatchedAgent>,
  after: ReadonlyMap<string, WatchedAgent>,
  now: Date,
): StateChange[] {
  const left = [...before].filter(([hostId]) => !after.has(hostId))
  return [
    ...[...after].flatMap(([hostId, agent]) => toChange(hostId, before.get(hostId), agent, now)),
    ...left.map(([hostId, agent]) => toRemoval(hostId, agent, now)),
  ]
}

/** Returns a change if the state or its code has changed. */
function toChange(
  hostId: string,
  before: WatchedAgent | undefined,
  { host, state, stateCode, stateReason, stateSince }: WatchedAgent,
  now: Date,
): StateChange[] {
  if (before?.state === state && before.stateCode === stateCode) return []
  // The server reports no time for a new reason within one state.
  const at = before?.stateSince === stateSince ? now.toISOString() : stateSince
  return [{ at, hostId, host, from: before?.state ?? null, to: state, code: stateCode, reason: stateReason }]
}

const toRemoval = (hostId: string, { host, state }: WatchedAgent, now: Date): StateChange => ({
  at: now.toISOString(),
  hostId,
  host,
  from: state,
  to: 'removed',
  code: null,
  reason: null,
})
