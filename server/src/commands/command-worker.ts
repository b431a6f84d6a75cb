import { Inject, Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import type { CommandKind } from '@rollcall/contracts/admin'
import { Reconciler } from '../platform/background/reconciler.ts'
import { Clock } from '../platform/clock/clock.ts'
import { waitAtMost } from '../platform/clock/wait-at-most.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { JobQueue } from '../platform/queue/job-queue.ts'
import { SERVER_ID } from '../platform/tokens.ts'
import { CommandEvents, toChange } from './command-events.ts'
import { CommandLease, LeaseLostError, type LeasePorts } from './command-lease.ts'
import { CommandLeasesRepository } from './command-leases.repository.ts'
import { CommandLifecycleRepository } from './command-lifecycle.repository.ts'
import { CommandMetrics } from './command-metrics.ts'
import type { Ending, LeasedCommand } from './domain/command.ts'
import { waitAfter } from './domain/next-step.ts'
import { OutputRepository } from './output/output.repository.ts'
import { OutputBudget } from './output/output-budget.ts'
import { SpoolCleanup } from './spool-cleanup.reconciler.ts'

/** Commands that one server drives at once; further ones wait in the database. */
const MAX_ACTIVE = 2000
const BATCH = 500
const STOP_TIMEOUT_MS = 5000

/** Result of driving a command. */
export type DriveOutcome =
  /** It has ended, and all its output is stored. `isSpooled` says that its agent still keeps it, and may forget it now. */
  | { do: 'end'; ending: Ending; isSpooled?: boolean }
  /** It could not be driven to its end now. `notStarted` says that this attempt certainly did nothing. */
  | { do: 'retry'; error: unknown; notStarted: boolean }

/** Drives the commands of one kind while this server holds their lease. */
export interface CommandHandler {
  /** Drives a command as far as it goes. What it throws stopped it before its end, and is tried again later. */
  drive(command: LeasedCommand, lease: CommandLease): Promise<DriveOutcome>
  /** Hears that the end of a command was committed. */
  afterEnd?(command: LeasedCommand, ending: Ending): void
}

/**
 * Leases commands and hands each to the handler of its kind. The queue only says which to look at; a sweeper finds those
 * that the queue lost, those whose server died, and those that wait for another attempt.
 */
@Injectable()
export class CommandWorker extends Reconciler {
  override readonly name = 'commands'
  override readonly intervalMs = 2000
  private readonly handlers = new Map<CommandKind, CommandHandler>()
  private readonly active = new Map<string, { lease: CommandLease; done: Promise<void> }>()
  private isStopping = false
  private readonly ports: LeasePorts
  /** Ids that the last sweep put into the queue. */
  private swept = new Set<string>()

  constructor(
    private readonly leases: CommandLeasesRepository,
    lifecycle: CommandLifecycleRepository,
    outputs: OutputRepository,
    private readonly cleanup: SpoolCleanup,
    private readonly queue: JobQueue,
    private readonly clock: Clock,
    private readonly events: CommandEvents,
    metrics: CommandMetrics,
    budget: OutputBudget,
    @Inject(SERVER_ID) private readonly owner: string,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    super()
    this.ports = { owner, lifecycle, outputs, budget, events, metrics, clock }
  }

  register(kind: CommandKind, handler: CommandHandler): void {
    this.handlers.set(kind, handler)
  }

  /** Begins to take commands from the queue. What this server held before a restart is taken up by the first tick. */
  async start(): Promise<void> {
    await this.queue.process((id) => this.take(id))
  }

  /** Stops driving commands; each goes on in another server, or in this one after its restart. */
  override async drain(): Promise<void> {
    this.isStopping = true
    for (const { lease } of this.active.values()) lease.lose()
    const drained = Promise.allSettled([...this.active.values()].map(({ done }) => done))
    await waitAtMost(this.clock, drained, STOP_TIMEOUT_MS)
  }

  /**
   * Says that a command is due. Where there is room it is taken here and now; otherwise the queue hands it to a server that
   * has room. The sweeper makes up for a queue that fails.
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
    return this.active.size < MAX_ACTIVE && !this.isStopping
  }

  /** Says that a command is to end. Another server that drives it notices at its next tick. */
  announceCancel(id: string): void {
    const active = this.active.get(id)
    if (active) active.lease.noticeCancel()
    else this.announce(id)
  }

  private async take(id: string): Promise<void> {
    if (this.active.has(id) || !this.hasRoom()) return
    const lease = new CommandLease(id, this.ports)
    const acquired = this.leases.acquire(id, this.owner, this.clock.now())
    const done = this.drive(acquired, lease)
      .catch((error) =>
        this.log.error({ err: error, commandId: id }, 'a command could not be driven; it is taken up again'),
      )
      .finally(() => this.active.delete(id))
    this.active.set(id, { lease, done })
    await acquired
  }

  private async drive(acquired: Promise<LeasedCommand | null>, lease: CommandLease): Promise<void> {
    const command = await acquired
    if (!command) return
    lease.acquired(command)
    const handler = this.handlers.get(command.kind)
    if (!handler)
      throw new RollcallError('server.defect', `there is no handler for commands of kind ${command.kind}`)
    const attempt = async () => {
      const outcome = await handler.drive(command, lease)
      if (outcome.do === 'end') await lease.end(outcome.ending)
      return outcome
    }
    const outcome = await attempt().catch(
      (error: unknown): DriveOutcome => ({ do: 'retry', error, notStarted: false }),
    )
    if (outcome.do === 'retry') return this.retry(command, lease, outcome)
    if (outcome.isSpooled) this.cleanup.add(command.id, command.hostId)
    handler.afterEnd?.(command, outcome.ending)
  }

  /** Releases what could not be driven to its end; the reason is shown with the command until its next attempt. */
  private async retry(
    command: LeasedCommand,
    lease: CommandLease,
    failure: { error: unknown; notStarted: boolean },
  ): Promise<void> {
    const { error } = failure
    if (error instanceof LeaseLostError || lease.stopped.aborted) return
    if (!(error instanceof RollcallError))
      this.log.error({ err: error, commandId: command.id }, 'driving a command failed')
    await this.leases.release(
      command.id,
      this.owner,
      waitAfter(command, failure, this.clock.now(), Math.random()),
    )
    this.events.commandChanged(toChange(command, false))
  }

  /**
   * Puts what is due into the queue, for any server that has room. What is still due at the next tick no server has
   * taken: the queue holds it back or fails, and it is taken here.
   */
  override async reconcile(now: Date): Promise<void> {
    for (const id of await this.leases.cancelRequested([...this.active.keys()]))
      this.active.get(id)?.lease.noticeCancel()
    const room = Math.min(BATCH, MAX_ACTIVE - this.active.size)
    if (room <= 0) return
    const due = await this.leases.due(this.owner, now, room, [...this.active.keys()])
    const isSecondTime = (id: string) => this.swept.has(id)
    const [overdue, fresh] = [due.filter(isSecondTime), due.filter((id) => !isSecondTime(id))]
    this.swept = new Set(fresh)
    await Promise.allSettled(overdue.map((id) => this.take(id)))
    for (const id of fresh) await this.queue.add(id)
  }
}
