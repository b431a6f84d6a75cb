import { constants } from 'node:os'
import type { CommandResult } from '@rollcall/contracts/agent'

/** Between TERM and KILL, in milliseconds. */
export const KILL_AFTER_MS = 10_000

const STOPPED = 'The runner on the host was stopped, which ended the command.'

/** Why a command is ended; `lost` if the runner itself stops. */
export type EndingCause = 'timed_out' | 'cancelled' | 'lost'

export interface EndingView {
  startedMs: number
  timeoutMs: number
  /** Cause and time of TERM; null before it is sent. */
  ending: { cause: EndingCause; sinceMs: number } | null
  wasKilled: boolean
  /** The requested end; null for none. */
  requested: EndingCause | null
}

export type EndingDecision =
  | { kind: 'term'; cause: EndingCause }
  | { kind: 'kill' }
  /** Wait for `inMs`; null for ever. */
  | { kind: 'wait'; inMs: number | null }

/** Decides what to do about a running command at `nowMs`. All times are on the monotonic clock. */
export function decideEnding(view: EndingView, nowMs: number): EndingDecision {
  if (view.ending === null) {
    if (view.requested !== null) return { kind: 'term', cause: view.requested }
    const leftMs = view.startedMs + view.timeoutMs - nowMs
    return leftMs <= 0 ? { kind: 'term', cause: 'timed_out' } : { kind: 'wait', inMs: leftMs }
  }
  if (view.wasKilled) return { kind: 'wait', inMs: null }
  const leftMs = view.ending.sinceMs + KILL_AFTER_MS - nowMs
  return leftMs <= 0 ? { kind: 'kill' } : { kind: 'wait', inMs: leftMs }
}

export interface ProgramExit {
  code: number | null
  signal: string | null
}

type Counts = Pick<CommandResult, 'stdout' | 'stderr' | 'dropped' | 'started_at_ms' | 'ended_at_ms'>

/** Builds the result of a program that ran. An ended one has its cause as status, whatever its exit code; `left` is what it left running. */
export function toResult(
  exit: ProgramExit,
  cause: EndingCause | null,
  counts: Counts,
  left: string | null = null,
): CommandResult {
  const isSuccess = cause === null && exit.code === 0
  const message = cause === 'lost' ? `${STOPPED}${left === null ? '' : ` ${left}`}` : left
  return {
    ...counts,
    status: cause ?? (isSuccess ? 'success' : 'failed'),
    success: isSuccess,
    return_code: exit.code,
    signal: exit.signal,
    reason: cause === 'lost' ? 'command.runner_died' : null,
    message,
  }
}

/** Builds the result of a program that could not be started, with the shell's code; null if no start was tried. */
export const startFailure = (
  returnCode: 126 | 127 | null,
  message: string,
  counts: Counts,
): CommandResult => ({
  ...counts,
  status: 'failed',
  success: false,
  return_code: returnCode,
  signal: null,
  reason: 'command.start_failed',
  message,
})

const SIGNAL_NAMES = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]))

/** Converts a signal number of node-pty, which is 0 for none, to a name. Real-time signals have no name of their own. */
export const toSignalName = (number: number | undefined): string | null =>
  number ? (SIGNAL_NAMES.get(number) ?? `SIGRTMIN+${Math.max(0, number - 34)}`) : null
