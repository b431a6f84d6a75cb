import type { AgentsService } from '../agents/index.ts'
import type { Clock } from '../platform/clock/clock.ts'
import type { CommandLease } from './command-lease.ts'
import type { Ending, LeasedCommand } from './domain/command.ts'
import { type LogAnswer, pauseBeforeNext, toEnding, toPiece } from './domain/log-answer.ts'

/** How long one question for output waits for news: below every idle limit on the path. */
const WAIT_MS = 20_000
const MAX_BYTES = 2 * 1024 * 1024

/** Makes the question for what follows `offset`; what is before `storedOffset` the agent may drop. */
export const toLogParams = (id: string, at: { offset: number; storedOffset: number; waitMs?: number }) => ({
  command_id: id,
  offset: at.offset,
  wait_ms: at.waitMs ?? WAIT_MS,
  max_bytes: MAX_BYTES,
  acknowledged_offset: at.storedOffset,
})

/**
 * Follows a command through its agent: asks for output while the piece before is being stored, so that at most one piece
 * waits in memory.
 */
export class AgentCommandFollower {
  /** Where the next question begins; all before is stored, or is being stored. */
  private offset: number
  private storing: Promise<void> = Promise.resolve()
  private isCancelSent = false
  private emptyAnswers = 0

  constructor(
    private readonly command: LeasedCommand,
    private readonly lease: CommandLease,
    private readonly agents: AgentsService,
    private readonly clock: Clock,
  ) {
    this.offset = lease.takenBytes
  }

  /**
   * Follows the command until it has ended and all its output is stored. Returns how it ended. `isNews` says that the first
   * answer is to be stored as a sign of life: the command runs, or its agent answers again. `known` is an answer that is
   * there already, from the stored offset on. Throws what asking and storing throw.
   */
  async untilEnded(isNews: boolean, known?: LogAnswer): Promise<Ending> {
    const isRunning = this.command.state === 'running'
    // One that has ended by now is not first stored as running.
    if (isNews && !isRunning && !known?.is_final) this.store(this.lease.report({ kind: 'running' }))
    const first = known ?? (await this.ask())
    if (isNews && isRunning) await this.lease.report({ kind: 'running' })
    for (let answer = first; ; answer = await this.ask()) {
      await this.take(answer)
      if (answer.is_final && answer.result) {
        await this.storing
        return toEnding(answer.result)
      }
      const pauseMs = pauseBeforeNext({ emptyAnswers: this.emptyAnswers, isCutting: this.lease.isCutting })
      if (pauseMs > 0) await this.clock.sleep(pauseMs, this.lease.stopped)
    }
  }

  /** Begins to store the output of an answer, once that of the answer before is stored. */
  private async take(answer: LogAnswer): Promise<void> {
    await this.storing
    const piece = toPiece(answer, this.offset)
    if (piece.data.length > 0) this.store(this.lease.report({ kind: 'output', offset: this.offset, piece }))
    this.emptyAnswers = piece.data.length === 0 ? this.emptyAnswers + 1 : 0
    this.offset = answer.new_offset
  }

  /** Defers a failure to whoever awaits `storing`; until then it is no unhandled rejection. */
  private store(storing: Promise<void>): void {
    this.storing = deferRejection(storing)
  }

  /** Asks for output until there is an answer. Once the command is to be cancelled, the agent is told so first. */
  private async ask(): Promise<LogAnswer> {
    for (;;) {
      const { stopped, cancelled } = this.lease
      if (cancelled.aborted && !this.isCancelSent) {
        const params = { command_id: this.command.id }
        await this.agents.call(this.command.hostId, 'cancel_command', params, { signal: stopped })
        this.isCancelSent = true
      }
      const signal = this.isCancelSent ? stopped : AbortSignal.any([stopped, cancelled])
      const params = toLogParams(this.command.id, {
        offset: this.offset,
        storedOffset: this.lease.takenBytes,
      })
      try {
        return await this.agents.call(this.command.hostId, 'get_command_log', params, { signal })
      } catch (error) {
        const isBrokenOff = signal.aborted && !stopped.aborted
        if (!isBrokenOff) throw error
      }
    }
  }
}

/** Keeps a rejection for whoever awaits the promise later, so that it is not unhandled until then. */
function deferRejection<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined)
  return promise
}
