import type { ErrorCode } from '@rollcall/contracts'
import type { CommandKind, CommandState, FinalState, HostState } from '@rollcall/contracts/admin'
import { commandIdOf } from './run-ids.ts'

/** A program to run on one host, as requested. */
export interface CommandSpec {
  program: string
  args: string[]
  env: Record<string, string>
  cwd: string
  timeoutMs: number
  /** How long, from `admittedAt`, the host may take to accept it. */
  startWithinMs: number
  tty: boolean
  columns: number
  rows: number
  stdin: boolean
}

/** The part of a spec of a program that gets neither a terminal nor input. */
export const WITHOUT_TERMINAL = { tty: false, columns: 80, rows: 24, stdin: false }

export interface Command extends CommandSpec {
  id: string
  runId: string
  kind: CommandKind
  hostId: string
  hostName: string
  state: CommandState
  reasonCode: ErrorCode | null
  reason: string | null
  exitCode: number | null
  signal: string | null
  requestedBy: string
  cancelRequestedAt: Date | null
  createdAt: Date
  /** Its place in the order in which a run with limits begins on its hosts; null where there are no limits. */
  position: number | null
  /** Since when it may be started; null while it waits for its turn. */
  admittedAt: Date | null
  /** Set before the first attempt: from then on it may have started. */
  dispatchedAt: Date | null
  startedAt: Date | null
  endedAt: Date | null
  unansweredSince: Date | null
  /** Stored bytes, the server's own marks included. */
  outputBytes: number
  /** Bytes that the host has cut, and those that the server has. */
  droppedBytes: number
  /** Bytes that the server has cut. */
  cutBytes: number
  /** Bytes of the server's own marks. */
  markBytes: number
  /** The last bytes that came were cut. */
  isOutputCut: boolean
  /** Bytes of input that its host has taken. */
  inputBytes: number
  /** When its output was removed; `outputBytes` still says how much there was. */
  outputRemovedAt: Date | null
}

export interface CommandFilter {
  hostId?: string | undefined
  /** Part of the names of hosts. */
  search?: string | undefined
  runId?: string | undefined
  state?: CommandState | undefined
  kind?: CommandKind | undefined
  before?: { createdAt: Date; id: string } | undefined
  limit: number
}

/** Makes a command that nothing has happened to yet. */
export function newCommand(
  kind: CommandKind,
  host: { id: string; name: string },
  spec: CommandSpec,
  run: { runId: string; requestedBy: string; createdAt: Date },
  turn: Pick<Command, 'position' | 'admittedAt'>,
): Command {
  return {
    ...spec,
    ...run,
    ...turn,
    id: commandIdOf(run.runId, host.id),
    kind,
    hostId: host.id,
    hostName: host.name,
    state: 'pending',
    reasonCode: null,
    reason: null,
    exitCode: null,
    signal: null,
    cancelRequestedAt: null,
    dispatchedAt: null,
    startedAt: null,
    endedAt: null,
    unansweredSince: null,
    outputBytes: 0,
    droppedBytes: 0,
    cutBytes: 0,
    markBytes: 0,
    isOutputCut: false,
    inputBytes: 0,
    outputRemovedAt: null,
  }
}

export const isHeld = (command: Pick<Command, 'state' | 'admittedAt'>) =>
  command.state === 'pending' && command.admittedAt === null

/** A command under this server's lease. */
export interface LeasedCommand extends Command {
  /** No server has tried to start it before, so a refusal now means that it certainly has not started. */
  isFirstAttempt: boolean
}

/** How a command ended. */
export interface Ending {
  state: FinalState
  exitCode?: number | null
  signal?: string | null
  reasonCode?: ErrorCode | null
  reason?: string | null
  droppedBytes?: number
  /** How long the program ran, by the host's clock. */
  durationMs?: number | null
  /** For an installation, upgrade or removal: what its host is from now on. */
  hostState?: HostState
  /** For a removal that succeeded: its host is forgotten. */
  isHostRemoved?: boolean
}

/** A command that has just ended, and how. */
export interface EndedCommand {
  id: string
  hostId: string
  kind: CommandKind
  ending: Ending
  at: Date
}
