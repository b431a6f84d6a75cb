import { Inject, Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import type { AgentResult, CommandResult } from '@rollcall/contracts/agent'
import { AgentsService } from '../agents/index.ts'
import { Clock } from '../platform/clock/clock.ts'
import { Repeater } from '../platform/clock/repeater.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { type CommandHandler, CommandWorker, type HeldCommand } from './command-worker.ts'
import type { ClaimedCommand, Ending } from './domain/command.ts'
import { endingOfNotFound, nextStep } from './domain/next-step.ts'
import { joinChunks } from './domain/output.ts'
import { WorkRepository } from './work.repository.ts'

/** How long one question for output waits for news: below every idle limit on the way. */
const WAIT_MS = 20_000
const MAX_BYTES = 2 * 1024 * 1024

/** How often hosts are told again which ended commands they may forget, and for how long after the end. */
const RELEASE_INTERVAL_MS = 60_000
const RELEASE_WITHIN_MS = 7 * 86_400_000
const RELEASE_LIMIT = 200

/** Runs a command through its host's agent: start it, follow its output, store how it ended. */
@Injectable()
export class AgentCommandHandler implements CommandHandler, OnModuleInit, OnModuleDestroy {
  private readonly stopping = new AbortController()
  private releasing = Promise.resolve()

  constructor(
    private readonly worker: CommandWorker,
    private readonly work: WorkRepository,
    private readonly agents: AgentsService,
    private readonly clock: Clock,
    private readonly repeater: Repeater,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  onModuleInit() {
    this.worker.register('command', this)
    this.releasing = this.repeater.repeat(
      'telling hosts what to forget',
      RELEASE_INTERVAL_MS,
      this.stopping.signal,
      () => this.releaseLeftovers(),
    )
  }

  async onModuleDestroy() {
    this.stopping.abort()
    await this.releasing
  }

  async drive(command: ClaimedCommand, held: HeldCommand): Promise<void> {
    const step = nextStep(command, this.clock.now())
    if (step.do === 'end') return held.finish(step.ending)
    try {
      if (step.do === 'start') await this.start(command, held)
      else if (step.do === 'find') await this.find(command, held)
      else await this.follow(command, held)
    } catch (error) {
      if (!isGone(error)) throw error
      await held.finish(hostRemoved)
    }
  }

  private async start(command: ClaimedCommand, held: HeldCommand): Promise<void> {
    try {
      await this.agents.call(command.hostId, 'execute_command', paramsOf(command), held.stopped)
    } catch (error) {
      if (command.isFirstAttempt && isRefusal(error))
        return held.finish({ state: 'failed', reasonCode: error.code, reason: error.message })
      throw error
    }
    await this.follow(command, held, held.markRunning())
  }

  private async find(command: ClaimedCommand, held: HeldCommand): Promise<void> {
    try {
      await this.readLog(command.id, command.hostId, command.outputBytes, 0, held.stopped)
    } catch (error) {
      if (isNotFound(error)) return held.finish(endingOfNotFound(command))
      throw error
    }
    await this.follow(command, held, held.markRunning())
  }

  /** Asks for output while the piece before it is being stored: at most one piece waits in memory. */
  private async follow(
    command: ClaimedCommand,
    held: HeldCommand,
    before = Promise.resolve(),
  ): Promise<void> {
    let stored = quiet(before)
    let offset = command.outputBytes
    let storedOffset = offset
    let cancelSent = false
    for (;;) {
      if (held.cancelled.aborted && !cancelSent) {
        await this.agents.call(command.hostId, 'cancel_command', { command_id: command.id }, held.stopped)
        cancelSent = true
      }
      const answer = await this.ask(command, held, { offset, storedOffset, cancelSent })
      await stored
      storedOffset = offset
      if (!answer) continue
      const piece = joinChunks(
        [{ log_type: answer.log_type, log_data: answer.log_data }, ...answer.further].map((chunk) => ({
          stream: chunk.log_type,
          data: Buffer.from(chunk.log_data, 'base64'),
        })),
      )
      if (answer.new_offset !== offset + piece.data.length)
        throw new RollcallError(
          'agent.invalid_answer',
          `The agent sent ${piece.data.length} bytes of output but counted ${answer.new_offset - offset}.`,
        )
      if (piece.data.length > 0) stored = quiet(held.append(offset, piece))
      offset = answer.new_offset
      if (!answer.is_final || !answer.result) continue
      await stored
      await held.finish(endingOf(answer.result))
      await this.release(command.id, command.hostId)
      return
    }
  }

  /** One question for output; undefined when it was broken off because the command is to be cancelled. */
  private async ask(
    command: ClaimedCommand,
    held: HeldCommand,
    at: { offset: number; storedOffset: number; cancelSent: boolean },
  ): Promise<AgentResult<'get_command_log'> | undefined> {
    const signal = at.cancelSent ? held.stopped : AbortSignal.any([held.stopped, held.cancelled])
    try {
      return await this.readLog(command.id, command.hostId, at.offset, WAIT_MS, signal, at.storedOffset)
    } catch (error) {
      if (held.cancelled.aborted && !at.cancelSent && !held.stopped.aborted && signal.aborted)
        return undefined
      if (isNotFound(error)) {
        await held.finish({
          state: 'lost',
          reasonCode: 'command.unanswered',
          reason:
            'The host no longer knows this command: its records were lost. Look at the host to see what it did.',
        })
      }
      throw error
    }
  }

  /** Tells the host that it may forget an ended command. What fails now is done again with the leftovers. */
  private async release(id: string, hostId: string): Promise<void> {
    try {
      await this.agents.call(hostId, 'release_command', { command_id: id }, this.stopping.signal)
      await this.work.markReleased(id, this.clock.now())
    } catch (error) {
      this.log.debug(
        { err: error, commandId: id },
        'a host could not be told to forget a command; it is told later',
      )
    }
  }

  private async releaseLeftovers(): Promise<void> {
    const since = new Date(this.clock.now().getTime() - RELEASE_WITHIN_MS)
    const leftovers = await this.work.unreleased(since, RELEASE_LIMIT)
    const byHost = Map.groupBy(leftovers, (command) => command.hostId)
    await Promise.all(
      [...byHost].map(async ([hostId, commands]) => {
        for (const { id } of commands) await this.release(id, hostId)
      }),
    )
  }

  private readLog(
    id: string,
    hostId: string,
    offset: number,
    waitMs: number,
    signal: AbortSignal,
    acknowledged = offset,
  ) {
    return this.agents.call(
      hostId,
      'get_command_log',
      { command_id: id, offset, wait_ms: waitMs, max_bytes: MAX_BYTES, acknowledged_offset: acknowledged },
      signal,
    )
  }
}

/** It has certainly not started, and asking again would give the same answer. */
function isRefusal(error: unknown): error is RollcallError {
  return error instanceof RollcallError && error.kind === 'rejected' && error.outcome === 'not-applied'
}

const isGone = (error: unknown) => error instanceof RollcallError && error.code === 'host.not_found'

const hostRemoved: Ending = {
  state: 'lost',
  reasonCode: 'host.not_found',
  reason: 'Its host was removed from the fleet before it had ended.',
}

const isNotFound = (error: unknown) => error instanceof RollcallError && error.code === 'command.not_found'

/** A failure shows when it is awaited, a moment later; until then it is no unhandled one. */
function quiet(promise: Promise<void>): Promise<void> {
  promise.catch(() => undefined)
  return promise
}

function paramsOf(command: ClaimedCommand) {
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
