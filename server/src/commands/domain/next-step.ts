import { failuresWithin, RETRY_POLICIES, RollcallError, retryAt } from '@rollcall/contracts'
import type { Command, Ending } from './command.ts'

/** How long an agent may stay silent, beyond the command's own limits, before the command counts as lost. */
export const LOST_AFTER_MS = 10 * 60_000

export type Step =
  /** Send it to the agent. Safe to repeat: the agent starts one id once. */
  | { do: 'start' }
  /** Take it back if it has not started, so that it never will; if it has, follow it. */
  | { do: 'withdraw' }
  /** Read its output until it ends; ask it to end first if that is wanted. */
  | { do: 'follow' }
  /** End it: it was never tried, and is not to be. */
  | { do: 'end'; ending: Ending }

type View = Pick<
  Command,
  'state' | 'admittedAt' | 'dispatchedAt' | 'startedAt' | 'cancelRequestedAt' | 'startWithinMs' | 'timeoutMs'
>

/** Decides what to do with an unfinished command whose turn it is. Pure. One that may have started is asked about before it is given up. */
export function nextStep(view: View, now: Date): Step {
  if (view.state === 'running') return { do: 'follow' }
  const isLate = view.admittedAt !== null && now >= later(view.admittedAt, view.startWithinMs)
  const isUnwanted = view.cancelRequestedAt !== null || isLate
  if (!isUnwanted) return { do: 'start' }
  return view.dispatchedAt ? { do: 'withdraw' } : { do: 'end', ending: endingOfUnstarted(view) }
}

/** Returns how a command ends that certainly never started and never will. */
export function endingOfUnstarted(view: Pick<Command, 'cancelRequestedAt'>): Ending {
  if (view.cancelRequestedAt) return { state: 'cancelled', reason: 'Cancelled before it started.' }
  return {
    state: 'failed',
    reasonCode: 'command.never_started',
    reason: 'The host did not accept it in time, so it was not started. Look at the host, then run it again.',
  }
}

/**
 * Decides how a command ends whose agent was asked once more and stayed silent. Returns null to continue asking. Pure.
 *
 * Silence is not an answer: only when the command's own limits and `LOST_AFTER_MS` have passed is it `lost`, which says
 * that we do not know. One that was never tried is not lost but late, which `nextStep` sees.
 */
export function giveUp(view: View, now: Date): Ending | null {
  if (view.dispatchedAt === null) return null
  const limit =
    view.state === 'running'
      ? later(view.startedAt ?? view.dispatchedAt, view.timeoutMs)
      : later(view.dispatchedAt, view.startWithinMs + view.timeoutMs)
  if (now < later(limit, LOST_AFTER_MS)) return null
  return {
    state: 'lost',
    reasonCode: 'command.unanswered',
    reason:
      'The agent fell silent and has not said how the command ended. Look at the host to see what it did.',
  }
}

/** How a command waits for its next attempt. */
export interface Wait {
  until: Date
  unansweredSince: Date
  reasonCode: string
  reason: string
  /** The attempt certainly did nothing: the command counts as never tried again. */
  notStarted: boolean
}

/** Decides how a command waits that could not be driven to its end now. Pure. */
export function waitAfter(
  { unansweredSince }: Pick<Command, 'unansweredSince'>,
  { error, notStarted }: { error: unknown; notStarted: boolean },
  now: Date,
  random: number,
): Wait {
  const since = unansweredSince ?? now
  const isDefect = !(error instanceof RollcallError)
  return {
    until: nextAttempt(since, now, random),
    unansweredSince: since,
    reasonCode: isDefect ? 'server.defect' : error.code,
    reason: isDefect ? 'The server failed while driving it and tries again; see its log.' : error.message,
    notStarted,
  }
}

/** When to try again after the agent did not answer: soon at first, and less often the longer it stays silent. */
export function nextAttempt(unansweredSince: Date, now: Date, random: number): Date {
  const policy = RETRY_POLICIES.command
  return retryAt(policy, failuresWithin(policy, now.getTime() - unansweredSince.getTime()), now, random)
}

const later = (date: Date, ms: number) => new Date(date.getTime() + ms)
