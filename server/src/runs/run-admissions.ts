import { Inject, Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common'
import { CommandEvents, CommandsService } from '../commands/index.ts'
import { Clock } from '../platform/clock/clock.ts'
import { Repeater } from '../platform/clock/repeater.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { AdmissionsRepository } from './admissions.repository.ts'
import { type Admissions, type AdmissionView, nextAdmissions } from './domain/admissions.ts'
import { RunRights } from './run-rights.ts'

/** How often runs are looked at whose commands another server ended, or whose own server died. */
const SWEEP_INTERVAL_MS = 2000
const SWEEP_PAGE = 500

/** Lets the commands of runs with limits begin when it is their turn. A run without limits never comes here. */
@Injectable()
export class RunAdmissions implements OnModuleInit, OnModuleDestroy {
  private readonly stopping = new AbortController()
  /** Runs that are being decided on; true when something has ended meanwhile, so that it is done once more. */
  private readonly deciding = new Map<string, boolean>()
  private readonly underWay = new Set<Promise<void>>()
  private sweeping = Promise.resolve()
  private stopListening: () => void = () => undefined

  constructor(
    private readonly admissions: AdmissionsRepository,
    private readonly rights: RunRights,
    private readonly commands: CommandsService,
    private readonly events: CommandEvents,
    private readonly clock: Clock,
    private readonly repeater: Repeater,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  onModuleInit() {
    this.stopListening = this.events.onTurn((runId) => this.wake(runId))
    this.sweeping = this.repeater.repeat(
      'going on with runs that have limits',
      SWEEP_INTERVAL_MS,
      this.stopping.signal,
      () => this.sweep(),
    )
  }

  async onModuleDestroy() {
    this.stopListening()
    this.stopping.abort()
    await Promise.all([this.sweeping, ...this.underWay])
  }

  /** A command of this run has ended: it may be another's turn. */
  private wake(runId: string): void {
    const work = this.goOn(runId).catch((error) =>
      this.log.warn({ err: error, runId }, 'a run could not go on; the sweeper tries again'),
    )
    this.underWay.add(work)
    void work.finally(() => this.underWay.delete(work))
  }

  /** At most one decision about a run is under way here; what ends meanwhile is decided upon together, in the next one. */
  private async goOn(runId: string): Promise<void> {
    if (this.stopping.signal.aborted) return
    if (this.deciding.has(runId)) return void this.deciding.set(runId, true)
    try {
      do {
        this.deciding.set(runId, false)
        if (await this.decide(runId, nextAdmissions)) this.deciding.set(runId, true)
      } while (this.deciding.get(runId) && !this.stopping.signal.aborted)
    } finally {
      this.deciding.delete(runId)
    }
  }

  /** Tells whether more were held than were looked at. */
  private async decide(runId: string, how: (view: AdmissionView) => Admissions): Promise<boolean> {
    const { admitted, stopped, hasMore } = await this.admissions.decide(runId, this.clock.now(), how)
    for (const id of admitted) this.commands.announce(id)
    // Nobody waits for a turn that comes from these: the run is over for all that were held.
    for (const id of [...admitted, ...stopped])
      this.events.commandChanged({ id, runId, hasEnded: stopped.length > 0, isLimited: false })
    return hasMore
  }

  /** Goes on with a run, or stops it where whoever asked for it may not run it any more. */
  private async goOnOrStop(runId: string): Promise<void> {
    const refusal = await this.rights.refusal(runId)
    if (refusal === null) return this.goOn(runId)
    await this.decide(runId, () => ({ admit: [], stop: { refusal } }))
  }

  private async sweep(): Promise<void> {
    for (let after = '00000000-0000-0000-0000-000000000000'; ; ) {
      const page = await this.admissions.admitting(after, SWEEP_PAGE)
      for (const runId of page) await this.goOnOrStop(runId)
      const last = page.at(-1)
      if (last === undefined || page.length < SWEEP_PAGE || this.stopping.signal.aborted) return
      after = last
    }
  }
}
