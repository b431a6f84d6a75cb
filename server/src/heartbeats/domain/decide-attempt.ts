import { nextRetry, RETRY_POLICIES } from '@rollcall/contracts'
import type { HeartbeatTarget } from './roll.ts'

/** The contract's own limit for one attempt. */
const MAX_ATTEMPT_MS = 30_000
const MIN_ATTEMPT_MS = 1000
/** A timer that fires this much too late means that this server stood still, and not the host. */
const STALLED_AFTER_MS = 1500

/** A round under way: one call with its retries. */
export interface AttemptRound {
  state: HeartbeatTarget['state']
  startMs: number
  /** From then on the host counts as offline; infinite where the profile sets no window. */
  deadlineMs: number
}

export type AttemptDecision =
  | { do: 'retry'; waitMs: number; round: AttemptRound }
  /** The host is silent. */
  | { do: 'give_up' }

/**
 * Begins a round. A host of a profile with a window counts as offline so long after its last answer; one that was not called for longer
 * than its interval, because the servers were down, gets the whole window from now on.
 */
export function beginRound(target: HeartbeatTarget, startMs: number): AttemptRound {
  const { state, offlineAfterMs, lastAnswerAt, maxMs } = target
  if (offlineAfterMs === null) return { state, startMs, deadlineMs: Number.POSITIVE_INFINITY }
  const lastMs = lastAnswerAt?.getTime() ?? 0
  const isOnTime = startMs - lastMs <= maxMs + MIN_ATTEMPT_MS
  return { state, startMs, deadlineMs: (isOnTime ? lastMs : startMs) + offlineAfterMs }
}

/** Returns how long an attempt may take: half of what is left where time is short, so that one lost packet does not use up all of it. */
export function attemptTimeoutMs({ deadlineMs }: AttemptRound, nowMs: number): number {
  return Math.min(MAX_ATTEMPT_MS, Math.max(MIN_ATTEMPT_MS, (deadlineMs - nowMs) / 2))
}

/** Decides what follows an attempt that was not answered. Time in which this server stood still is added to the deadline. Pure. */
export function decideAttempt(
  round: AttemptRound,
  attempt: { count: number; startedMs: number; timeoutMs: number },
  nowMs: number,
): AttemptDecision {
  const stalledMs = nowMs - attempt.startedMs - attempt.timeoutMs
  const deadlineMs = round.deadlineMs + (stalledMs > STALLED_AFTER_MS ? stalledMs : 0)
  // One that is known to be offline needs no retries to be found offline.
  if (round.state === 'offline') return { do: 'give_up' }
  const failures = { count: attempt.count, since: new Date(round.startMs) }
  const retry = nextRetry(RETRY_POLICIES.heartbeat, failures, new Date(nowMs), 0)
  if (retry.do === 'give_up' || retry.at.getTime() >= deadlineMs) return { do: 'give_up' }
  return { do: 'retry', waitMs: retry.at.getTime() - nowMs, round: { ...round, deadlineMs } }
}
