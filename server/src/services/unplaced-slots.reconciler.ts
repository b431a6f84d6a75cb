import { Inject, Injectable } from '@nestjs/common'
import { Reconciler } from '../platform/background/reconciler.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { InstancesReconciler } from './instances.reconciler.ts'
import { SlotPlacer } from './slot-placer.ts'
import { UnplacedSlotsRepository } from './unplaced-slots.repository.ts'

const BATCH = 100
/** When they are tried again although nothing has changed that the servers note: room on hosts changes without. */
const RETRY_MS = 5 * 60_000

/** Tries slots that no host fitted again, once the fleet has changed. Every server does; one lock keeps what is decided apart. */
@Injectable()
export class UnplacedSlotsReconciler extends Reconciler {
  override readonly name = 'unplaced-slots'
  override readonly intervalMs = 5000
  private tried: { mark: string; at: number } = { mark: '', at: 0 }

  constructor(
    private readonly unplaced: UnplacedSlotsRepository,
    private readonly placer: SlotPlacer,
    private readonly instances: InstancesReconciler,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    super()
  }

  /** Places what hosts fit by now. A service that fails stops no other. */
  override async reconcile(now: Date, signal: AbortSignal): Promise<void> {
    const ids = await this.unplaced.services(BATCH)
    if (ids.length === 0) return
    const mark = await this.unplaced.fleetMark()
    if (mark === this.tried.mark && now.getTime() - this.tried.at < RETRY_MS) return
    this.tried = { mark, at: now.getTime() }
    const place = async (id: string) => {
      if ((await this.placer.place(id)) > 0) this.instances.wake()
    }
    await this.forEach(ids, signal, place, (err, serviceId) =>
      this.log.warn({ err, serviceId }, 'slots of a service could not be placed; trying again'),
    )
  }
}
