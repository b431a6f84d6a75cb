import { Injectable, type OnModuleInit } from '@nestjs/common'
import { type ErrorCode, RollcallError } from '@rollcall/contracts'
import type { AgentParamsInput, AgentResult, CommandResult } from '@rollcall/contracts/agent'
import { AgentsService } from '../agents/index.ts'
import { Clock } from '../platform/clock/clock.ts'
import { CommandReleases } from './command-releases.ts'
import { type CommandHandler, CommandWorker, type HeldCommand } from './command-worker.ts'
import { CommandsRepository } from './commands.repository.ts'
import type { ClaimedCommand, Ending, OutputPiece } from './domain/command.ts'
import { endingOfUnstarted, giveUp, nextStep } from './domain/next-step.ts'
import { joinChunks } from './domain/output.ts'

/** How long one question for output waits for news: below every idle limit on the way. */
const WAIT_MS = 20_000
/** The same for the question that goes out with the order to start: what runs for longer counts as running after that. */
const FIRST_WAIT_MS = 500
const MAX_BYTES = 2 * 1024 * 1024

/** Answers without news that may follow each other before we take a pause between questions. */
const FREE_EMPTY_ANSWERS = 3
const EMPTY_ANSWER_PAUSE_MS = 500
/** Between answers whose output is not stored. */
const CUT_PAUSE_MS = 500

type LogAnswer = AgentResult<'get_command_log'>

/** How a kind of command goes about it on its agent. */
export interface AgentWork {
  /** Asked only where it is to be started, again at each attempt; it must give the same each time. */
  start(): Promise<StartCall>
  /** Completes how it ended, once all output is stored. Safe to repeat. */
  end?(ending: Ending): Promise<Ending>
}

/** What makes an agent begin with a command. */
export type StartCall =
  | { method: 'execute_command'; params: AgentParamsInput<'execute_command'> }
  | { method: 'execute_ansible'; params: AgentParamsInput<'execute_ansible'> }

/** Runs a command through its host's agent: start it, follow its output, store how it ended. */
@Injectable()
export class AgentCommandHandler implements CommandHandler, OnModuleInit {
  constructor(
    private readonly worker: CommandWorker,
    private readonly commands: CommandsRepository,
    private readonly agents: AgentsService,
    private readonly clock: Clock,
    private readonly releases: CommandReleases,
  ) {}

  onModuleInit() {
    this.worker.register('command', this)
    this.worker.register('terminal', this)
  }

  drive(command: ClaimedCommand, held: HeldCommand): Promise<void> {
    const start = async () => ({ method: 'execute_command', params: toParams(command) }) as const
    return this.driveWith(command, held, { start })
  }

  /** The same for what is begun in another way. */
  async driveWith(command: ClaimedCommand, held: HeldCommand, how: AgentWork): Promise<void> {
    const step = nextStep(command, this.clock.now())
    if (step.do === 'end') return held.finish(step.ending)
    try {
      if (step.do === 'start') await this.start(command, held, how)
      else if (step.do === 'withdraw') await this.withdraw(command, held, how)
      else await this.follow(command, held, how, command.unansweredSince !== null)
    } catch (error) {
      if (held.stopped.aborted || !(error instanceof RollcallError)) throw error
      const ending = ENDING_BY_CODE[error.code] ?? (await this.giveUp(command.id))
      if (!ending) throw error
      await held.finish(ending)
    }
  }

  private async giveUp(id: string): Promise<Ending | null> {
    const current = await this.commands.find(id)
    return current && giveUp(current, this.clock.now())
  }

  /** Starts it and asks for its first output in one request: most commands have ended by the answer to that. */
  private async start(command: ClaimedCommand, held: HeldCommand, how: AgentWork): Promise<void> {
    let first: LogAnswer | RollcallError
    try {
      const start = await how.start()
      // Not from the beginning where a server that died had stored some.
      const offset = held.takenBytes
      const params = logParams(command, { offset, storedOffset: offset, waitMs: FIRST_WAIT_MS })
      const log = { method: 'get_command_log', params } as const
      ;[, first] = await this.agents.callWithNext(command.hostId, start, log, held.stopped)
    } catch (error) {
      if (!command.isFirstAttempt || !hasDoneNothing(error)) throw error
      if (error.kind === 'rejected')
        return held.finish({ state: 'failed', reasonCode: error.code, reason: error.message })
      held.hasNotStarted = true
      throw error
    }
    // An error of the second call is met again by whoever follows.
    await this.follow(command, held, how, true, first instanceof RollcallError ? undefined : first)
  }

  private async withdraw(command: ClaimedCommand, held: HeldCommand, how: AgentWork): Promise<void> {
    const params = { command_id: command.id }
    const { withdrawn } = await this.agents.call(command.hostId, 'withdraw_command', params, held.stopped)
    if (withdrawn) {
      await held.finish(endingOfUnstarted(command))
      this.releases.add(command.id, command.hostId)
    } else await this.follow(command, held, how, true)
  }

  /**
   * Asks for output while the piece before it is being stored: at most one piece waits in memory. `isNews` says that
   * the agent's first answer is to be noted: the command runs, or its agent answers again. `known` is an answer that has
   * come already, from the offset on that is stored.
   */
  private async follow(
    command: ClaimedCommand,
    held: HeldCommand,
    how: AgentWork,
    isNews: boolean,
    known?: LogAnswer,
  ): Promise<void> {
    // One that has ended by now is not first noted as running.
    const isStart = isNews && command.state === 'pending' && !known?.is_final
    let stored = quiet(isStart ? held.markRunning() : Promise.resolve())
    let next = known
    let isUnnoted = isNews && command.state === 'running'
    let offset = held.takenBytes
    let storedOffset = offset
    let cancelSent = false
    let emptyAnswers = 0
    for (;;) {
      if (held.cancelled.aborted && !cancelSent) {
        await this.agents.call(command.hostId, 'cancel_command', { command_id: command.id }, held.stopped)
        cancelSent = true
      }
      const answer = next ?? (await this.ask(command, held, { offset, storedOffset, cancelSent }))
      next = undefined
      await stored
      storedOffset = offset
      if (!answer) continue
      if (isUnnoted) {
        await held.markRunning()
        isUnnoted = false
      }
      const piece = toPiece(answer, offset)
      if (piece.data.length > 0) stored = quiet(held.append(offset, piece))
      offset = answer.new_offset
      if (answer.is_final && answer.result) {
        await stored
        const ending = endingOf(answer.result)
        await held.finish(how.end ? await how.end(ending) : ending)
        this.releases.add(command.id, command.hostId)
        return
      }
      // A sound agent answers with nothing only after the wait; another must not make us ask without end.
      emptyAnswers = piece.data.length === 0 ? emptyAnswers + 1 : 0
      if (emptyAnswers > FREE_EMPTY_ANSWERS) await this.clock.sleep(EMPTY_ANSWER_PAUSE_MS, held.stopped)
      // What is cut here is better cut by the host, which counts it too.
      else if (held.isCutting) await this.clock.sleep(CUT_PAUSE_MS, held.stopped)
    }
  }

  /** One question for output; undefined when it was broken off because the command is to be cancelled. */
  private async ask(
    command: ClaimedCommand,
    held: HeldCommand,
    at: { offset: number; storedOffset: number; cancelSent: boolean },
  ): Promise<LogAnswer | undefined> {
    const signal = at.cancelSent ? held.stopped : AbortSignal.any([held.stopped, held.cancelled])
    try {
      const params = logParams(command, { ...at, waitMs: WAIT_MS })
      return await this.agents.call(command.hostId, 'get_command_log', params, signal)
    } catch (error) {
      const isBrokenOff = signal.aborted && held.cancelled.aborted && !at.cancelSent && !held.stopped.aborted
      if (isBrokenOff) return undefined
      throw error
    }
  }
}

/** It has certainly not started. */
function hasDoneNothing(error: unknown): error is RollcallError {
  return error instanceof RollcallError && error.outcome === 'not-applied'
}

const RECORDS_LOST: Ending = {
  state: 'lost',
  reasonCode: 'command.unanswered',
  reason:
    'The host no longer knows this command: its records were lost. Look at the host to see what it did.',
}

/** What an answer says of how a command ended, though it is not the answer that was asked for. */
const ENDING_BY_CODE: Partial<Record<ErrorCode, Ending>> = {
  'command.not_found': RECORDS_LOST,
  'command.output_gone': RECORDS_LOST,
  'host.not_found': {
    state: 'lost',
    reasonCode: 'host.not_found',
    reason: 'Its host was removed from the fleet before it had ended.',
  },
}

/** Throws `agent.invalid_answer` when the agent's count and its bytes differ. */
function toPiece(answer: LogAnswer, offset: number): OutputPiece {
  const chunks = [{ log_type: answer.log_type, log_data: answer.log_data }, ...answer.further]
  const piece = joinChunks(
    chunks.map((chunk) => ({ stream: chunk.log_type, data: Buffer.from(chunk.log_data, 'base64') })),
  )
  if (answer.new_offset !== offset + piece.data.length)
    throw new RollcallError(
      'agent.invalid_answer',
      `The agent sent ${piece.data.length} bytes of output but counted ${answer.new_offset - offset}.`,
      { outcome: 'unknown' },
    )
  return piece
}

/** A failure shows when it is awaited, a moment later; until then it is no unhandled one. */
function quiet(promise: Promise<void>): Promise<void> {
  promise.catch(() => undefined)
  return promise
}

function toParams(command: ClaimedCommand) {
  const { program, args, env, cwd, tty, columns, rows, stdin } = command
  return {
    command_id: command.id,
    command: program,
    args,
    env,
    cwd,
    timeout: command.timeoutMs / 1000,
    tty,
    columns,
    rows,
    stdin,
  }
}

function logParams(
  command: ClaimedCommand,
  { offset, storedOffset, waitMs }: { offset: number; storedOffset: number; waitMs: number },
) {
  return {
    command_id: command.id,
    offset,
    wait_ms: waitMs,
    max_bytes: MAX_BYTES,
    acknowledged_offset: storedOffset,
  }
}

function endingOf(result: CommandResult): Ending {
  return {
    state: result.status,
    exitCode: result.return_code,
    signal: result.signal,
    reasonCode: result.reason,
    reason: result.message,
    droppedBytes: result.dropped,
    durationMs: result.started_at_ms === null ? null : Math.max(0, result.ended_at_ms - result.started_at_ms),
  }
}
