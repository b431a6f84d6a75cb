import { sanitizeText } from '@rollcall/contracts'
import type { CommandView } from '@rollcall/contracts/admin'
import { type Command, isHeld } from './domain/command.ts'

/** A command as it is shown: without its environment, which may hold secrets. */
export function toCommandView(command: Command): CommandView {
  return {
    id: command.id,
    runId: command.runId,
    kind: command.kind,
    host: { id: command.hostId, name: command.hostName },
    program: command.program,
    args: command.args,
    cwd: command.cwd,
    tty: command.tty,
    timeoutMs: command.timeoutMs,
    state: command.state,
    isHeld: isHeld(command),
    reasonCode: command.reasonCode,
    reason: command.reason && sanitizeText(command.reason, 4000),
    exitCode: command.exitCode,
    signal: command.signal,
    requestedBy: command.requestedBy,
    cancelRequested: command.cancelRequestedAt !== null,
    createdAt: command.createdAt.toISOString(),
    startedAt: command.startedAt?.toISOString() ?? null,
    endedAt: command.endedAt?.toISOString() ?? null,
    outputBytes: command.outputBytes,
    droppedBytes: command.droppedBytes,
    inputBytes: command.inputBytes,
  }
}
