import type { CommandResult, CommandStatus } from '@rollcall/contracts/agent'
import type { SpecRecord, StartedRecord } from './spool-records.ts'

/** What the spool says about one command. */
export interface CommandView {
  /** Null when it cannot be read. */
  spec: SpecRecord | null
  /** A runner has claimed the right to start it. */
  isClaimed: boolean
  started: StartedRecord | null
  exit: CommandResult | null
  /** One of its records is there and cannot be read. */
  isUnreadable: boolean
}

export interface HostView {
  bootId: string
  /** Whether the runner that claimed this command still lives, or may live for all that is known. */
  isRunnerAlive: boolean
}

export type SpoolDecision =
  /** Its end is recorded. */
  | { kind: 'final'; result: CommandResult }
  /** A living runner has it. */
  | { kind: 'running' }
  /** Accepted, never claimed, and the host has not restarted since: it may start, and has not yet. */
  | { kind: 'startable' }
  /** Nobody will ever report its end. */
  | { kind: 'lost'; reason: 'command.host_restarted' | 'command.runner_died'; message: string }

/**
 * What a command's files mean. A command of an earlier boot is lost even when never claimed: its time has passed. That it was
 * taken back stands above all else: whoever made the claim has the last word, and a runner may have thought it lost meanwhile.
 */
export function decideFromSpool(view: CommandView, host: HostView): SpoolDecision {
  const withdrawnAtMs = view.started?.withdrawn_at_ms
  if (withdrawnAtMs !== undefined) return { kind: 'final', result: withdrawnResult(withdrawnAtMs) }
  if (view.exit !== null) return { kind: 'final', result: view.exit }
  if (view.spec === null || view.isUnreadable) {
    const message =
      'What the host had on record about the command can no longer be read, so that nobody can tell how it ended.'
    return { kind: 'lost', reason: 'command.runner_died', message }
  }
  if (view.spec.boot_id !== host.bootId) {
    const message = view.isClaimed
      ? 'The host restarted while the command ran. Look at what it left behind before you run it again.'
      : 'The host restarted before the command was started. It did not run.'
    return { kind: 'lost', reason: 'command.host_restarted', message }
  }
  if (!view.isClaimed) return { kind: 'startable' }
  if (host.isRunnerAlive) return { kind: 'running' }
  return {
    kind: 'lost',
    reason: 'command.runner_died',
    message: 'The runner on the host died while the command ran; what was left of the command was killed.',
  }
}

export const toStatus = (decision: SpoolDecision): CommandStatus =>
  decision.kind === 'final' ? decision.result.status : 'running'

/** The result of a command that was taken back before it started. */
export const withdrawnResult = (atMs: number): CommandResult => ({
  status: 'cancelled',
  success: false,
  stdout: 0,
  stderr: 0,
  dropped: 0,
  return_code: null,
  signal: null,
  reason: null,
  message: 'It was withdrawn before it started.',
  started_at_ms: null,
  ended_at_ms: atMs,
})

/** The result of a command that nobody can report on. */
export function lostResult(
  view: CommandView,
  lost: Extract<SpoolDecision, { kind: 'lost' }>,
  sizes: { stdout: number; stderr: number },
  nowMs: number,
): CommandResult {
  const started_at_ms = view.started?.started_at_ms ?? null
  return {
    status: 'lost',
    success: false,
    ...sizes,
    dropped: 0,
    return_code: null,
    signal: null,
    reason: lost.reason,
    message: lost.message,
    started_at_ms,
    // The clock may have been set back since.
    ended_at_ms: Math.max(nowMs, started_at_ms ?? 0),
  }
}
