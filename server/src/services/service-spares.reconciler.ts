import { Inject, Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { HostsRepository } from '../hosts/index.ts'
import { HostPulls, ImageDelivery } from '../images/index.ts'
import { Reconciler } from '../platform/background/reconciler.ts'
import { RunningWork } from '../platform/background/running-work.ts'
import { Clock } from '../platform/clock/clock.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { SERVER_ID } from '../platform/tokens.ts'
import { toOrderedImages } from './domain/ordered-images.ts'
import { type DueSpare, toSpareOutcome } from './domain/spare.ts'
import { RevisionsRepository } from './revisions.repository.ts'
import { SparesRepository } from './spares.repository.ts'

/** Deliveries of this server at the same time: what instances wait for goes first. */
const MAX_CONCURRENT = 2
/** A gigabyte over five megabits a second. */
const DELIVERY_TIMEOUT_MS = 30 * 60_000

/** Brings images of services to the hosts that keep them without an instance, after each change of the service. */
@Injectable()
export class ServiceSparesReconciler extends Reconciler {
  override readonly name = 'service-spares'
  override readonly intervalMs = 5000
  readonly deliveries = new RunningWork(MAX_CONCURRENT, () => this.wake())

  constructor(
    private readonly spares: SparesRepository,
    private readonly revisions: RevisionsRepository,
    private readonly hosts: HostsRepository,
    private readonly images: ImageDelivery,
    private readonly pulls: HostPulls,
    private readonly clock: Clock,
    @Inject(SERVER_ID) private readonly serverId: string,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    super()
  }

  /** Begins deliveries that are due, as far as there is room. */
  override async reconcile(now: Date): Promise<void> {
    const { room } = this.deliveries
    if (room <= 0) return
    for (const spare of await this.spares.acquire(this.serverId, this.deliveries.keys(), room, now)) {
      const { serviceId, hostId } = spare
      this.deliveries.begin(
        `${serviceId}/${hostId}`,
        ({ signal }) => this.deliver(spare, signal),
        // It stays ours, and is acquired again.
        (err) => this.log.warn({ err, hostId, serviceId }, 'the end of a delivery could not be written down'),
      )
    }
  }

  override async drain(): Promise<void> {
    this.deliveries.stopAll(new RollcallError('image.pull_stopped', 'The server was stopped.'))
    await this.deliveries.drain()
  }

  /** Delivers, and writes down how that went: one that fails is tried again. */
  private async deliver(spare: DueSpare, stop: AbortSignal): Promise<void> {
    const { hostId, serviceId } = spare
    const error = await this.bring(spare, stop).then(
      () => null,
      (thrown: unknown) => thrown,
    )
    if (error !== null && !(error instanceof RollcallError))
      this.log.warn({ err: error, hostId, serviceId }, 'images could not be brought to a spare host')
    const outcome = toSpareOutcome(spare, error, this.clock.now(), Math.random())
    await this.spares.finish(spare, outcome, this.serverId)
  }

  private async bring({ hostId, revisionId }: DueSpare, stop: AbortSignal): Promise<void> {
    const revision = (await this.revisions.open([revisionId])).get(revisionId)
    // It was replaced by another revision, which is due itself.
    if (!revision) return
    const signal = AbortSignal.any([stop, AbortSignal.timeout(DELIVERY_TIMEOUT_MS)])
    const architecture = (await this.hosts.find(hostId))?.agent?.architecture === 'arm64' ? 'arm64' : 'amd64'
    const images = toOrderedImages(revision.images, architecture)
    for (const { ref, digest } of images.filter(({ source }) => source === 'layout'))
      await this.images.ensure(hostId, { ref, digest, architecture }, signal)
    const pulled = images.filter(({ source }) => source === 'host')
    await this.pulls.ensure(hostId, pulled, signal, async () => undefined)
  }
}
