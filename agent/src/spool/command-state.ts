import type { CommandResult, CommandStatus } from '@rollcall/contracts/agent'
import type { SpecRecord, StartedRecord } from './spool-records.ts'

/** The records of one command. */
export interface CommandView {
  /** Null if it cannot be read. */
  spec: SpecRecord | null
  /** Somebody has claimed the right to start it. */
  isClaimed: boolean
  started: StartedRecord | null
  exit: CommandResult | null
  /** One of its records exists and cannot be read. */
  isUnreadable: boolean
}

export interface HostView {
  bootId: string
  /** The runner that claimed this command is alive, or may be. */
  isRunnerAlive: boolean
}

export type SpoolDecision =
  /** Its end is recorded. */
  | { kind: 'final'; result: CommandResult }
  /** A live runner owns it. */
  | { kind: 'running' }
  /** Accepted and not claimed in this boot: it may start. */
  | { kind: 'startable' }
  /** Its end will never be recorded by its owner. */
  | { kind: 'lost'; reason: 'command.host_restarted' | 'command.runner_died'; message: string }

/**
 * Decides the state of a command from its records. A withdrawal wins over a recorded end, since its claim came first and a runner may
 * have declared the command lost meanwhile; a command of an earlier boot is lost even if it was never claimed.
 */
export function decideFromSpool(view: CommandView, host: HostView): SpoolDecision {
  const withdrawnAtMs = view.started?.withdrawn_at_ms
  if (withdrawnAtMs !== undefined) return { kind: 'final', result: withdrawnResult(withdrawnAtMs) }
  if (view.exit !== null) return { kind: 'final', result: view.exit }
  if (view.spec === null || view.isUnreadable) {
    const message = 'The records of the command on the host cannot be read, so it is not known how it ended.'
    return { kind: 'lost', reason: 'command.runner_died', message }
  }
  if (view.spec.boot_id !== host.bootId) {
    const message = view.isClaimed
      ? 'The host restarted while the command ran. Check what it left behind before you run it again.'
      : 'The host restarted before the command was started. It did not run.'
    return { kind: 'lost', reason: 'command.host_restarted', message }
  }
  if (!view.isClaimed) return { kind: 'startable' }
  if (host.isRunnerAlive) return { kind: 'running' }
  return {
    kind: 'lost',
    reason: 'command.runner_died',
    message: 'The runner on the host died while the command ran; the rest of its process group was killed.',
  }
}

export const toStatus = (decision: SpoolDecision): CommandStatus =>
  decision.kind === 'final' ? decision.result.status : 'running'

/** Returns the result of a command that was withdrawn before it started. */
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

/** Returns the result of a lost command. */
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
    // The clock may have been set back.
    ended_at_ms: Math.max(nowMs, started_at_ms ?? 0),
  }
}
