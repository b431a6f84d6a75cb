import { AGENT_METHODS, type AgentMethodName } from '@rollcall/contracts/agent'
import type { LoadAgent } from '../agents.ts'
import type { Behaviour } from './behaviour.ts'
import type { HostDisks } from './kept-credentials.ts'

/** Requests to the simulator's process over its IPC channel, with one answer each. */
export type Request =
  | { op: 'play'; agents: LoadAgent[]; disks: HostDisks }
  | { op: 'behave'; agents: number[]; behaviour: Behaviour }
  | { op: 'records' }
  | { op: 'forget' }
  | { op: 'state' }

export interface Answers {
  play: null
  behave: null
  records: RecordedCalls
  forget: null
  state: SimulatorState
}

export type Reply = { id: number; value: unknown } | { id: number; error: string }

/** Everything that callers did, in the order in which it came: one row for each connection and each request. */
export interface RecordedCalls {
  /** Index of the agent, as in the array that was played. */
  agent: Uint16Array
  /** Epoch milliseconds. */
  atMs: Float64Array
  /** The caller's own port: it tells connections, and so servers, apart. */
  port: Uint16Array
  /** Bits of `RECORDED`. */
  what: Uint32Array
  /** Rows beyond the bound, which are counted and not kept. */
  lost: number
}

export interface SimulatorState {
  connections: number
  /** Connections that proved a pinned key, and all that were accepted, since the start. */
  trusted: number
  accepted: number
  requests: number
  /** Deaths of agents' processes at writes of their credentials. */
  deaths: number
  rssMb: number
  cpuMs: number
}

const names = Object.keys(AGENT_METHODS) as AgentMethodName[]

/** The kind of a row of the record: a bit for each method in a request, or one of two for what is no call. */
export const RECORDED = {
  ...(Object.fromEntries(names.map((name, bit) => [name, 1 << bit])) as Record<AgentMethodName, number>),
  /** A caller that is not let in. */
  refused: 1 << names.length,
  /** A TCP connection that was accepted, whatever came of it. */
  connection: 1 << (names.length + 1),
}
export type Recorded = keyof typeof RECORDED
