import { setMaxListeners } from 'node:events'
import { Inject, Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import type { CommandKind } from '@rollcall/contracts/admin'
import { Clock } from '../platform/clock/clock.ts'
import { Repeater } from '../platform/clock/repeater.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { JobQueue } from '../platform/queue/job-queue.ts'
import { SERVER_ID } from '../platform/tokens.ts'
import { CommandEvents, toChange } from './command-events.ts'
import { CommandMetrics } from './command-metrics.ts'
import type { ClaimedCommand, Ending, OutputPiece } from './domain/command.ts'
import { nextAttempt } from './domain/next-step.ts'
import {
  type BoundedPiece,
  boundPiece,
  closingPiece,
  type OutputState,
  outputState,
  takenBytes,
} from './domain/output-bound.ts'
import { OutputBudget } from './output-budget.ts'
import { LEASE_MS, WorkRepository } from './work.repository.ts'

/** Commands that one server drives at once; further ones wait in the database. */
const MAX_ACTIVE = 2000
const SWEEP_INTERVAL_MS = 2000
const SWEEP_LIMIT = 500
const STOP_TIMEOUT_MS = 5000

/** What a kind of command does while this server holds it. */
export interface CommandHandler {
  /** Drives it until it has ended. Throws what stopped it before that: it is then taken up again later. */
  drive(command: ClaimedCommand, held: HeldCommand): Promise<void>
}

/** The lease was lost or the server stops: end quietly, somebody else goes on. */
export class Relinquished extends Error {}

/** A command under this server's lease, and the only way to change it. */
export class HeldCommand {
  private readonly stop = new AbortController()
  private readonly cancel = new AbortController()

  constructor(
    readonly id: string,
    private readonly owner: string,
    private readonly work: WorkRepository,
    private readonly clock: Clock,
    private readonly events: CommandEvents,
    private readonly metrics: CommandMetrics,
    private readonly budget: OutputBudget,
  ) {
    // Each call to an agent listens on these, and a long command makes many.
    setMaxListeners(0, this.stop.signal, this.cancel.signal)
  }

  /** Fires when this server must let go. */
  get stopped(): AbortSignal {
    return this.stop.signal
  }

  /** Fires when somebody wants the command to end. */
  get cancelled(): AbortSignal {
    return this.cancel.signal
  }

  /** Tells viewers, once it is known which run it belongs to. */
  private changed(hasEnded: boolean): void {
    if (this.command) this.events.commandChanged(toChange(this.command, hasEnded))
  }

  /** What was claimed; undefined until then. */
  command: ClaimedCommand | undefined
  private output: OutputState = { storedBytes: 0, markBytes: 0, cutBytes: 0, isCut: false }

  claimed(command: ClaimedCommand): void {
    this.command = command
    this.output = outputState(command)
  }

  relinquish(): void {
    this.stop.abort(new Relinquished())
  }

  /** Whether the first attempt certainly did nothing, so that the command counts as never tried. */
  hasNotStarted = false

  noticeCancel(): void {
    this.cancel.abort()
  }

  async markRunning(): Promise<void> {
    this.check(await this.work.markRunning(this.id, this.owner, this.clock.now()))
    this.changed(false)
  }

  /** How much of what the host has written has been taken: where its output goes on. */
  get takenBytes(): number {
    return takenBytes(this.output)
  }

  /** Whether output that comes is cut at the moment. */
  get isCutting(): boolean {
    return this.output.isCut
  }

  /** Stores what follows `takenBytes`, or as much of it as the server keeps; the rest is counted and marked. */
  async append(taken: number, piece: OutputPiece): Promise<void> {
    if (taken !== this.takenBytes)
      throw new RollcallError(
        'server.defect',
        `output of byte ${taken} came where that of byte ${this.takenBytes} follows`,
      )
    await this.store(boundPiece(this.output, piece, this.budget.room))
  }

  private async store({ piece, next }: BoundedPiece): Promise<void> {
    const before = this.output
    this.check(await this.work.append(this.id, this.owner, before.storedBytes, piece, { before, next }))
    this.output = next
    if (piece.data.length === 0) return
    this.budget.stored(piece.data.length)
    this.events.outputStored({ commandId: this.id, offset: before.storedBytes, ...piece })
  }

  async finish(ending: Ending): Promise<void> {
    const closing = closingPiece(this.output)
    if (closing) await this.store(closing)
    this.check(await this.work.finish(this.id, this.owner, ending, this.clock.now()))
    this.metrics.ended(this.command?.kind ?? 'command', ending.state)
    this.changed(true)
  }

  private check(isHeld: boolean): void {
    if (isHeld) return
    this.relinquish()
    throw new Relinquished()
  }
}

/**
 * Takes commands, holds their leases, and hands each to the handler of its kind. The queue only says which to look at;
 * a sweeper finds those that the queue lost, those whose server died, and those that wait for another attempt.
 */
@Injectable()
export class CommandWorker {
  private readonly handlers = new Map<CommandKind, CommandHandler>()
  private readonly active = new Map<string, { held: HeldCommand; done: Promise<void> }>()
  private readonly stopping = new AbortController()
  private loops: Promise<unknown>[] = []
  /** What the last sweep put into the queue. */
  private swept = new Set<string>()

  constructor(
    private readonly work: WorkRepository,
    private readonly queue: JobQueue,
    private readonly clock: Clock,
    private readonly events: CommandEvents,
    private readonly repeater: Repeater,
    private readonly metrics: CommandMetrics,
    private readonly budget: OutputBudget,
    @Inject(SERVER_ID) private readonly owner: string,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  register(kind: CommandKind, handler: CommandHandler): void {
    this.handlers.set(kind, handler)
  }

  /** Begins to work. What this installation held before a restart is taken up at once. */
  async start(): Promise<void> {
    await this.queue.process((id) => this.take(id))
    this.loops = [
      this.repeater.repeat('looking for commands that are due', SWEEP_INTERVAL_MS, this.stopping.signal, () =>
        this.sweep(),
      ),
      this.repeater.repeat('prolonging leases', LEASE_MS / 3, this.stopping.signal, () => this.renew()),
    ]
  }

  /** Lets go of every command; each goes on in the next server, or in this one after its restart. */
  async stop(): Promise<void> {
    this.stopping.abort()
    for (const { held } of this.active.values()) held.relinquish()
    const drained = Promise.allSettled([...this.loops, ...[...this.active.values()].map(({ done }) => done)])
    const timeout = new AbortController()
    await Promise.race([drained, this.clock.sleep(STOP_TIMEOUT_MS, timeout.signal).catch(() => undefined)])
    timeout.abort()
    await this.work
      .releaseLeases(this.owner)
      .catch((error) =>
        this.log.warn({ err: error }, 'leases could not be let go; they run out by themselves'),
      )
  }

  /**
   * Says that a command is due. Where there is room it is taken here and now; otherwise the queue hands it to whoever
   * has room. The sweeper mends a queue that fails.
   */
  announce(id: string): void {
    if (this.hasRoom()) {
      this.take(id).catch((error) =>
        this.log.warn(
          { err: error, commandId: id },
          'a command could not be taken; the sweeper will find it',
        ),
      )
      return
    }
    this.queue
      .add(id)
      .catch((error) =>
        this.log.warn({ err: error, commandId: id }, 'the queue refused a command; the sweeper will find it'),
      )
  }

  private hasRoom(): boolean {
    return this.active.size < MAX_ACTIVE && !this.stopping.signal.aborted
  }

  /** Says that a command is to end. Another server that drives it notices when it prolongs its leases. */
  announceCancel(id: string): void {
    const active = this.active.get(id)
    if (active) active.held.noticeCancel()
    else this.announce(id)
  }

  private async take(id: string): Promise<void> {
    if (this.active.has(id) || !this.hasRoom()) return
    const held = new HeldCommand(
      id,
      this.owner,
      this.work,
      this.clock,
      this.events,
      this.metrics,
      this.budget,
    )
    const claimed = this.work.claim(id, this.owner, this.clock.now())
    const done = this.drive(claimed, held)
      .catch((error) =>
        this.log.error({ err: error, commandId: id }, 'a command could not be driven; it is taken up again'),
      )
      .finally(() => this.active.delete(id))
    this.active.set(id, { held, done })
    await claimed
  }

  private async drive(claimed: Promise<ClaimedCommand | null>, held: HeldCommand): Promise<void> {
    const command = await claimed
    if (!command) return
    held.claimed(command)
    const handler = this.handlers.get(command.kind)
    if (!handler)
      throw new RollcallError('server.defect', `there is no handler for commands of kind ${command.kind}`)
    if (command.cancelRequestedAt) held.noticeCancel()
    try {
      await handler.drive(command, held)
    } catch (error) {
      if (error instanceof Relinquished || held.stopped.aborted) return
      await this.postpone(command, held, error)
    }
  }

  /** What could not be done now is tried again: the reason stands in the command meanwhile. */
  private async postpone(command: ClaimedCommand, held: HeldCommand, error: unknown): Promise<void> {
    const now = this.clock.now()
    const isOurs = !(error instanceof RollcallError)
    if (isOurs) this.log.error({ err: error, commandId: command.id }, 'driving a command failed')
    const current = command.unansweredSince ?? now
    await this.work.postpone(command.id, this.owner, {
      until: nextAttempt(current, now),
      unansweredSince: current,
      reasonCode: isOurs ? 'server.defect' : error.code,
      reason: isOurs ? 'The server failed while driving it and tries again; see its log.' : error.message,
      hasNotStarted: held.hasNotStarted,
    })
    this.events.commandChanged(toChange(command, false))
  }

  /**
   * Puts what is due into the queue, for any server that has room. What is still due at the next sweep, nobody has
   * taken: the queue holds it back or fails, and it is taken here.
   */
  private async sweep(): Promise<void> {
    const room = Math.min(SWEEP_LIMIT, MAX_ACTIVE - this.active.size)
    if (room <= 0) return
    const due = await this.work.due(this.owner, this.clock.now(), room, [...this.active.keys()])
    const isSecondTime = (id: string) => this.swept.has(id)
    const [overdue, fresh] = [due.filter(isSecondTime), due.filter((id) => !isSecondTime(id))]
    this.swept = new Set(fresh)
    await Promise.allSettled(overdue.map((id) => this.take(id)))
    for (const id of fresh) await this.queue.add(id)
  }

  private async renew(): Promise<void> {
    const { cancelled } = await this.work.renew(this.owner)
    for (const id of cancelled) this.active.get(id)?.held.noticeCancel()
  }
}
