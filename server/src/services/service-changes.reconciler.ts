import { Inject, Injectable } from '@nestjs/common'
import { IDLE, Reconciler, type Requeue } from '../platform/background/reconciler.ts'
import { Clock } from '../platform/clock/clock.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { changeService } from './domain/service-change.ts'
import { InstancesReconciler } from './instances.reconciler.ts'
import { RevisionsRepository } from './revisions.repository.ts'
import { ServiceChangesRepository } from './service-changes.repository.ts'

const BATCH = 200
const DEFAULT_DEADLINE_MS = 10 * 60_000
const MAX_KNOWN_DEADLINES = 1000

/** Carries out what was applied to services: slot by slot, on every server, each decision under a lock of the service. */
@Injectable()
export class ServiceChangesReconciler extends Reconciler {
  override readonly name = 'service-changes'
  override readonly intervalMs = 1000
  override readonly minPauseMs = 1000
  /** By revision, which never changes. */
  private readonly deadlines = new Map<string, number>()

  constructor(
    private readonly changes: ServiceChangesRepository,
    private readonly revisions: RevisionsRepository,
    private readonly instances: InstancesReconciler,
    private readonly clock: Clock,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    super()
  }

  /** Advances every service that changes. One that fails stops no other. */
  override async reconcile(_now: Date, signal: AbortSignal): Promise<Requeue | undefined> {
    const unsettled = await this.changes.unsettled(BATCH)
    if (unsettled.length === 0) return IDLE
    await this.forEach(
      unsettled,
      signal,
      (id) => this.advance(id),
      (err, serviceId) => this.log.warn({ err, serviceId }, 'a service could not be advanced; trying again'),
    )
  }

  private advance(id: string): Promise<void> {
    return this.changes.decide(id, async (sql, service, slots) => {
      const now = this.clock.now()
      const move = changeService(service, slots, await this.deadlineOf(service.revisionId), now)
      if (move.do === 'admit') {
        await this.changes.admit(sql, move.ids, move.leaving, now)
        this.instances.wake()
      }
      if (move.do === 'halt') await this.changes.halt(sql, id, move.reason, now)
      if (move.do === 'prove') await this.changes.prove(sql, id, service.revisionId)
      if (move.do === 'forget') await this.changes.forget(sql, id)
    })
  }

  private async deadlineOf(revisionId: string): Promise<number> {
    const known = this.deadlines.get(revisionId)
    if (known !== undefined) return known
    const revision = (await this.revisions.open([revisionId])).get(revisionId)
    const deadlineMs = revision?.definition.group.rollout.deadlineMs ?? DEFAULT_DEADLINE_MS
    if (this.deadlines.size >= MAX_KNOWN_DEADLINES) this.deadlines.clear()
    this.deadlines.set(revisionId, deadlineMs)
    return deadlineMs
  }
}
