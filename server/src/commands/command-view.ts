import type { CommandView } from '@rollcall/contracts/admin'
import type { Command } from './domain/command.ts'

/** A command as it is shown: without its environment, which may hold secrets. */
export function viewOf(command: Command): CommandView {
  const {
    id,
    runId,
    kind,
    program,
    args,
    cwd,
    tty,
    timeoutMs,
    state,
    reasonCode,
    reason,
    exitCode,
    signal,
    requestedBy,
  } = command
  return {
    id,
    runId,
    kind,
    host: { id: command.hostId, name: command.hostName },
    program,
    args,
    cwd,
    tty,
    timeoutMs,
    state,
    reasonCode,
    reason,
    exitCode,
    signal,
    requestedBy,
    cancelRequested: command.cancelRequestedAt !== null,
    createdAt: command.createdAt.toISOString(),
    startedAt: command.startedAt?.toISOString() ?? null,
    endedAt: command.endedAt?.toISOString() ?? null,
    outputBytes: command.outputBytes,
    droppedBytes: command.droppedBytes,
  }
}
