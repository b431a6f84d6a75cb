import { Inject, Injectable, type OnModuleInit } from '@nestjs/common'
import { CommandEvents, CommandWorker } from '../commands/index.ts'
import { Reconciler } from '../platform/background/reconciler.ts'
import { Clock } from '../platform/clock/clock.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { AdmissionsRepository } from './admissions.repository.ts'
import { type Admissions, type AdmissionView, nextAdmissions } from './domain/admissions.ts'
import { RunRights } from './run-rights.ts'

const PAGE_SIZE = 500

/** Lets the commands of runs with limits begin when it is their turn. A run without limits never comes here. */
@Injectable()
export class RunAdmissions extends Reconciler implements OnModuleInit {
  override readonly name = 'run-admissions'
  /** A run whose commands another server ended, or whose own server died, waits at most this long. */
  override readonly intervalMs = 2000
  private isStopping = false
  /** Runs that are being decided on; true when something has ended meanwhile, so that it is done once more. */
  private readonly deciding = new Map<string, boolean>()
  private readonly underWay = new Set<Promise<void>>()
  private stopListening: () => void = () => undefined

  constructor(
    private readonly admissions: AdmissionsRepository,
    private readonly rights: RunRights,
    private readonly worker: CommandWorker,
    private readonly events: CommandEvents,
    private readonly clock: Clock,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    super()
  }

  onModuleInit() {
    this.stopListening = this.events.onTurn((runId) => this.startAdvance(runId))
  }

  override async drain(): Promise<void> {
    this.stopListening()
    this.isStopping = true
    await Promise.all(this.underWay)
  }

  /** A command of this run has ended: it may be another's turn. */
  private startAdvance(runId: string): void {
    const work = this.advance(runId).catch((error) =>
      this.log.warn({ err: error, runId }, 'a run could not be advanced; the next tick tries again'),
    )
    this.underWay.add(work)
    void work.finally(() => this.underWay.delete(work))
  }

  /** At most one decision about a run is under way here; what ends meanwhile is decided upon together, in the next one. */
  private async advance(runId: string): Promise<void> {
    if (this.isStopping) return
    if (this.deciding.has(runId)) return void this.deciding.set(runId, true)
    try {
      do {
        this.deciding.set(runId, false)
        if (await this.decide(runId, nextAdmissions)) this.deciding.set(runId, true)
      } while (this.deciding.get(runId) && !this.isStopping)
    } finally {
      this.deciding.delete(runId)
    }
  }

  /** Tells whether more were held than were looked at. */
  private async decide(runId: string, how: (view: AdmissionView) => Admissions): Promise<boolean> {
    const { admitted, stopped, hasMore } = await this.admissions.decide(runId, this.clock.now(), how)
    for (const id of admitted) this.worker.announce(id)
    // Nobody waits for a turn that comes from these: the run is over for all that were held.
    for (const id of [...admitted, ...stopped])
      this.events.commandChanged({ id, runId, hasEnded: stopped.length > 0, isLimited: false })
    return hasMore
  }

  /** Advances a run, or stops it where its requester may no longer run it. */
  private async advanceOrStop(runId: string): Promise<void> {
    const refusal = await this.rights.refusal(runId)
    if (refusal === null) return this.advance(runId)
    await this.decide(runId, () => ({ admit: [], stop: { refusal } }))
  }

  override async reconcile(_now: Date, signal: AbortSignal): Promise<void> {
    for (let after = '00000000-0000-0000-0000-000000000000'; ; ) {
      const page = await this.admissions.admitting(after, PAGE_SIZE)
      for (const runId of page) await this.advanceOrStop(runId)
      const last = page.at(-1)
      if (last === undefined || page.length < PAGE_SIZE || signal.aborted) return
      after = last
    }
  }
}
