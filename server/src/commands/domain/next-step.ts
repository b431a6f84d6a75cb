import type { Command, Ending } from './command.ts'

/** How long an agent may stay silent, beyond the command's own limits, before the command counts as lost. */
export const LOST_AFTER_MS = 10 * 60_000

const SHORTEST_POSTPONEMENT_MS = 1_000
const LONGEST_POSTPONEMENT_MS = 30_000

export type Step =
  /** Send it to the agent. Safe to repeat: the agent starts one id once. */
  | { do: 'start' }
  /** Ask the agent whether it has started, and start it by no means. */
  | { do: 'find' }
  /** Read its output until it ends; ask it to end first if `cancel`. */
  | { do: 'follow'; cancel: boolean }
  /** Nothing more can be learnt, or nothing more is wanted. */
  | { do: 'end'; ending: Ending }

type View = Pick<
  Command,
  | 'state'
  | 'createdAt'
  | 'dispatchedAt'
  | 'startedAt'
  | 'unansweredSince'
  | 'cancelRequestedAt'
  | 'startWithinMs'
  | 'timeoutMs'
>

/**
 * What to do with an unfinished command. Pure.
 *
 * Silence is not an answer: a command that may have started is asked about by its id until its own limits and
 * `LOST_AFTER_MS` have passed. Only then is it `lost`, which says that we do not know.
 */
export function nextStep(view: View, now: Date): Step {
  if (view.state === 'running') {
    const lostAt = later(view.startedAt ?? view.createdAt, view.timeoutMs + LOST_AFTER_MS)
    if (view.unansweredSince && now >= lostAt) return { do: 'end', ending: unanswered }
    return { do: 'follow', cancel: view.cancelRequestedAt !== null }
  }
  const isLate = now >= later(view.createdAt, view.startWithinMs)
  if (view.dispatchedAt === null) {
    if (view.cancelRequestedAt) return { do: 'end', ending: cancelledBeforeStart }
    return isLate ? { do: 'end', ending: neverStarted } : { do: 'start' }
  }
  const lostAt = later(view.dispatchedAt, view.startWithinMs + view.timeoutMs + LOST_AFTER_MS)
  if (view.unansweredSince && now >= lostAt) return { do: 'end', ending: unanswered }
  return view.cancelRequestedAt || isLate ? { do: 'find' } : { do: 'start' }
}

/** How a command ends that `find` did not find: it certainly never started. */
export function endingOfNotFound(view: Pick<Command, 'cancelRequestedAt'>): Ending {
  return view.cancelRequestedAt ? cancelledBeforeStart : neverStarted
}

/** When to try again after the agent did not answer: soon at first, and less often the longer it stays silent. */
export function nextAttempt(unansweredSince: Date, now: Date): Date {
  const silentMs = now.getTime() - unansweredSince.getTime()
  return later(now, Math.min(LONGEST_POSTPONEMENT_MS, Math.max(SHORTEST_POSTPONEMENT_MS, silentMs / 4)))
}

const cancelledBeforeStart: Ending = { state: 'cancelled', reason: 'Cancelled before it started.' }
const neverStarted: Ending = {
  state: 'failed',
  reasonCode: 'command.never_started',
  reason: 'The host did not accept it in time, so it was not started. Look at the host, then run it again.',
}
const unanswered: Ending = {
  state: 'lost',
  reasonCode: 'command.unanswered',
  reason:
    'The agent fell silent and has not said how the command ended. Look at the host to see what it did.',
}

const later = (date: Date, ms: number) => new Date(date.getTime() + ms)
