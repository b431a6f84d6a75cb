import type { HostState, Tone } from '@rollcall/contracts/admin'
import { HOST_STATE } from '@rollcall/contracts/admin/hosts/schemas'
import type { WatchedAgent } from '../live/fleet-view.ts'
import { formatState, formatStateCounts } from './format-host.ts'
import { formatPercent, formatRoughAge, markStale } from './format-measure.ts'
import { table } from './table.ts'

export interface FrameLine {
  text: string
  tone: 'plain' | 'faint' | 'warning' | 'bad'
}

const LINE_TONES: Readonly<Record<Tone, FrameLine['tone']>> = {
  ok: 'plain',
  faint: 'faint',
  busy: 'warning',
  warn: 'warning',
  bad: 'bad',
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
    { text: formatFleetCounts(agents), tone: 'plain' as const },
    { text: '', tone: 'plain' as const },
    ...(agents.length > 0 ? [{ text: header, tone: 'faint' as const }] : []),
    ...shown.map(({ state }, place) => ({ text: lines[place] ?? '', tone: toTone(state) })),
    ...(left.length > 0 ? [{ text: formatRest(left), tone: 'faint' as const }] : []),
    ...foot,
  ]
    .slice(0, rows)
    .map(({ text, tone }) => ({ text: Array.from(text).slice(0, columns).join(''), tone }))
}

/** `12 hosts: 9 online, 3 offline`. */
export function formatFleetCounts(agents: readonly Pick<WatchedAgent, 'state'>[]): string {
  const counts = formatStateCounts(countStates(agents))
  return `${agents.length} ${agents.length === 1 ? 'host' : 'hosts'}${counts ? `: ${counts}` : ''}`
}

export function countStates(
  agents: readonly Pick<WatchedAgent, 'state'>[],
): Partial<Record<HostState, number>> {
  const states: Partial<Record<HostState, number>> = {}
  for (const { state } of agents) states[state] = (states[state] ?? 0) + 1
  return states
}

function byUrgency(one: WatchedAgent, other: WatchedAgent): number {
  const difference = toUrgency(one.state) - toUrgency(other.state)
  if (difference !== 0) return difference
  if (one.state !== 'online' && one.stateSince !== other.stateSince)
    return Date.parse(other.stateSince) - Date.parse(one.stateSince)
  return one.host < other.host ? -1 : 1
}

const toCells = (agent: WatchedAgent, now: number) => [
  agent.host,
  formatState(agent),
  formatRoughAge(agent.stateSince, now),
  agent.lastAnswerAt === null ? 'never' : `${formatRoughAge(agent.lastAnswerAt, now)} ago`,
  markStale(agent.areValuesStale, formatPercent(agent.cpuPercent)),
  markStale(agent.areValuesStale, formatPercent(agent.memoryPercent)),
  markStale(agent.areValuesStale, formatPercent(agent.diskPercent)),
  agent.stateReason ?? '',
]

const toUrgency = (state: HostState) => HOST_STATE.describe(state).urgency
const toTone = (state: HostState) => LINE_TONES[HOST_STATE.describe(state).tone]

const formatRest = (left: readonly WatchedAgent[]) =>
  `… and ${left.length} more${left.every(({ state }) => state === 'online') ? ', all online' : ''}`
