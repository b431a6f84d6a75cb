import type { HostState } from '@rollcall/contracts/admin'
import type { WatchedAgent } from '../live/fleet-view.ts'
import { stateCounts, stateWords } from './host-words.ts'
import { asOf, roughAge, wholePercent } from './measures.ts'
import { table } from './table.ts'

/** What a person has to look at first. */
const URGENCY: Readonly<Record<HostState, number>> = {
  credentials_refused: 0,
  identity_changed: 0,
  offline: 1,
  install_failed: 2,
  remove_failed: 2,
  degraded: 3,
  installing: 4,
  upgrading: 4,
  removing: 4,
  online: 5,
}

type Tone = 'plain' | 'faint' | 'warning' | 'bad'
export interface FrameLine {
  text: string
  tone: Tone
}

interface Frame {
  agents: readonly WatchedAgent[]
  rows: number
  columns: number
  now: number
  /** The last line; empty for none. */
  note: string
}

const HEADER = ['HOST', 'STATE', 'SINCE', 'ANSWERED', 'CPU', 'MEMORY', 'DISK', 'REASON']

/** Counts on top, then the hosts that are not well, those first that have the worst and newest trouble. Fills at most `rows` lines. */
export function fleetFrame({ agents, rows, columns, now, note }: Frame): FrameLine[] {
  const foot: FrameLine[] = note ? [{ text: note, tone: 'faint' }] : []
  // Counts, a blank line, the header and the line that tells how many are left out.
  const room = Math.max(0, rows - 4 - foot.length)
  const sorted = agents.toSorted(byUrgency)
  const [shown, left] = [sorted.slice(0, room), sorted.slice(room)]
  const [header = '', ...lines] = table(
    HEADER,
    shown.map((agent) => toCells(agent, now)),
  ).split('\n')
  return [
    { text: counted(agents), tone: 'plain' as const },
    { text: '', tone: 'plain' as const },
    ...(agents.length > 0 ? [{ text: header, tone: 'faint' as const }] : []),
    ...shown.map(({ state }, place) => ({ text: lines[place] ?? '', tone: toneOf(state) })),
    ...(left.length > 0 ? [{ text: restOf(left), tone: 'faint' as const }] : []),
    ...foot,
  ]
    .slice(0, rows)
    .map(({ text, tone }) => ({ text: Array.from(text).slice(0, columns).join(''), tone }))
}

/** `12 hosts: 9 online, 3 offline`. */
export function counted(agents: readonly Pick<WatchedAgent, 'state'>[]): string {
  const counts = stateCounts(statesOf(agents))
  return `${agents.length} ${agents.length === 1 ? 'host' : 'hosts'}${counts ? `: ${counts}` : ''}`
}

export function statesOf(agents: readonly Pick<WatchedAgent, 'state'>[]): Partial<Record<HostState, number>> {
  const states: Partial<Record<HostState, number>> = {}
  for (const { state } of agents) states[state] = (states[state] ?? 0) + 1
  return states
}

function byUrgency(one: WatchedAgent, other: WatchedAgent): number {
  const difference = URGENCY[one.state] - URGENCY[other.state]
  if (difference !== 0) return difference
  if (one.state !== 'online' && one.stateSince !== other.stateSince)
    return Date.parse(other.stateSince) - Date.parse(one.stateSince)
  return one.host < other.host ? -1 : 1
}

const toCells = (agent: WatchedAgent, now: number) => [
  agent.host,
  stateWords(agent),
  roughAge(agent.stateSince, now),
  agent.lastAnswerAt === null ? 'never' : `${roughAge(agent.lastAnswerAt, now)} ago`,
  asOf(agent.areValuesStale, wholePercent(agent.cpuPercent)),
  asOf(agent.areValuesStale, wholePercent(agent.memoryPercent)),
  asOf(agent.areValuesStale, wholePercent(agent.diskPercent)),
  agent.stateReason ?? '',
]

function toneOf(state: HostState): Tone {
  if (state === 'online') return 'plain'
  return URGENCY[state] < URGENCY.degraded ? 'bad' : 'warning'
}

const restOf = (left: readonly WatchedAgent[]) =>
  `… and ${left.length} more${left.every(({ state }) => state === 'online') ? ', all online' : ''}`
