import { HOST_STATE, type HostFacts, type HostState, type HostVitals } from '@rollcall/contracts/admin'

/** States in which an agent is called. In all others something else is at work on the host, or a person is needed. */
export const CALLED_STATES = HOST_STATE.that('isCalled')
export type CalledState = (typeof CALLED_STATES)[number]

/** The state of an agent when it is due. */
export interface RollView {
  state: CalledState
  stateCode: string | null
  lastAnswerAt: Date | null
  /** Since when calls fail; null while it answers. */
  silentSince: Date | null
  /** Rounds that failed in a row. */
  failedRounds: number
  hotCpuSince: Date | null
  hotMemorySince: Date | null
  /** Commands that failed in a row, and when the last one did. */
  failedTasks: number
  failedTaskAt: Date | null
}

/** An agent whose turn it is. */
export interface HeartbeatTarget extends RollView {
  hostId: string
  maxMs: number
  offlineAfterMs: number | null
  address: { host: string; port: number; certificatePin: string }
}

export interface ClaimedTarget extends HeartbeatTarget {
  /** When it was to be called. */
  plannedAt: Date
  /** Another server held it before, so what this one remembers of it may be out of date. */
  isNew: boolean
}

/** The roll's knowledge of one host, beyond the host itself. */
export interface HostReport {
  lastAnswerAt: Date | null
  roundTripMs: number | null
  clockOffsetMs: number | null
  dueAt: Date | null
  profile: { name: string; minMs: number; maxMs: number; offlineAfterMs: number | null } | null
  vitals: HostVitals | null
  facts: HostFacts | null
  factsChangedAt: Date | null
}

/** A host whose agent does not answer, with what was done about that. */
export interface SilentHost {
  hostId: string
  state: HostState
  stateCode: string | null
  /** True if reinstallation is enabled for this host. */
  isAllowed: boolean
  failedRounds: number
  /** Not before then; null when it was not tried since the agent last answered for long. */
  notBefore: Date | null
  /** How often it was reinstalled since it last answered for long. */
  reinstalls: number
}

/** One call that was not answered. */
export interface FailedAttempt {
  at: Date
  reason: string
}

/** The outcome of a round, which is a call with its retries. */
export type Observation =
  | { kind: 'answered'; at: Date; cpuPercent: number | null; memoryPercent: number }
  /** No answer to any attempt. */
  | { kind: 'silent'; at: Date; attempts: FailedAttempt[] }
  /** An answer that a retry would not change: `agent.credentials_refused`, `agent.identity_changed`, or another refusal. */
  | { kind: 'refused'; at: Date; code: string; reason: string }

/** The state of an agent after a round. */
export interface Decision extends Omit<RollView, 'failedTasks' | 'failedTaskAt' | 'stateCode'> {
  stateCode: string | null
  /** Why it is in this state, for a person; null where there is nothing to say. */
  stateReason: string | null
}

/** The result of a round to store: the decision, and the host's report if it answered. */
export interface HeartbeatResult {
  hostId: string
  /** The state in which the agent was when it was called; the decision holds for no other. */
  from: RollView
  decision: Decision
  report?: {
    vitals: HostVitals
    roundTripMs: number
    clockOffsetMs: number
    /** Only when they differ from what is stored. */
    facts?: HostFacts
  }
}

/** Returns whether a decision is another state than the one before, or the same one for another reason. */
export const isTransition = ({ from, decision }: Pick<HeartbeatResult, 'from' | 'decision'>): boolean =>
  from.state !== decision.state || from.stateCode !== decision.stateCode
