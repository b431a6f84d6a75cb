import { randomUUID } from 'node:crypto'
import { Inject, Injectable } from '@nestjs/common'
import { parseImageRef, RollcallError, sanitizeText } from '@rollcall/contracts'
import { Reconciler, type Requeue } from '../platform/background/reconciler.ts'
import { RunningWork } from '../platform/background/running-work.ts'
import { Clock } from '../platform/clock/clock.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { SERVER_ID } from '../platform/tokens.ts'
import type { ImagePull, PullEnd } from './domain/image-pull.ts'
import { ImagePullsRepository } from './image-pulls.repository.ts'
import { ImagesService } from './images.service.ts'
import { RegistryPuller } from './registry/registry-puller.ts'

/** More at the same time would share the same network. */
const MAX_CONCURRENT_PULLS = 4
/** How often progress is written down, and cancellation noticed. */
const PROGRESS_MS = 1000
const KEEP_MS = 24 * 3600_000
/** The longest pull: a registry that sends a byte now and then must not keep others waiting for ever. */
const MAX_PULL_MS = 6 * 3600_000
const MAX_REASON = 2000
const STOPPED =
  'The server that pulled the image was stopped. Pull it again: what has come is not fetched twice.'

/** How far a pull has come that is in the database. */
interface Progress {
  startedAt: Date
  bytes: number
  totalBytes: number | null
}

/** Pulls images in the background, each on the server that was asked. */
@Injectable()
export class ImagePulls extends Reconciler {
  override readonly name = 'image-pulls'
  override readonly intervalMs = 10_000
  private readonly running = new RunningWork(MAX_CONCURRENT_PULLS, () => this.wake())
  private readonly progress = new Map<string, Progress>()

  constructor(
    private readonly pulls: ImagePullsRepository,
    private readonly puller: RegistryPuller,
    private readonly images: ImagesService,
    private readonly clock: Clock,
    @Inject(SERVER_ID) private readonly serverId: string,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    super()
  }

  /** Starts a pull, once for an id. Throws `server.overloaded`, and `request.invalid` for an id of another image. */
  async start(
    { pullId = randomUUID(), ref }: { pullId?: string | undefined; ref: string },
    requestedBy: string,
  ): Promise<ImagePull> {
    const known = await this.pulls.find(pullId)
    if (known) return requireSame(known, ref)
    if (this.running.room <= 0)
      throw new RollcallError(
        'server.overloaded',
        `This server pulls ${MAX_CONCURRENT_PULLS} images at the moment. Try again when one has ended.`,
      )
    const pull = { id: pullId, ref, requestedBy, createdAt: this.clock.now() }
    const insertion = this.pulls.insert(pull, this.serverId)
    this.running.begin(
      // Before it is stored: what is stored and does not run counts as lost.
      pullId,
      async (stop) => {
        // An insertion that fails is told to whoever asked.
        if (await insertion.catch(() => false)) await this.run(pull, stop)
      },
      // It stays `running`, which the next turn ends.
      (err) => this.log.warn({ err, pull: pullId }, 'the end of a pull could not be written down'),
    )
    await insertion
    this.wake()
    return requireSame(await this.show(pullId), ref)
  }

  list(): Promise<ImagePull[]> {
    return this.pulls.list()
  }

  /** Returns a pull. Throws `image.pull_not_found`. */
  async show(id: string): Promise<ImagePull> {
    const pull = await this.pulls.find(id)
    if (pull) return pull
    throw new RollcallError(
      'image.pull_not_found',
      `There is no pull ${id}. Pulls are kept for a day: rollcall image list shows what came of it.`,
    )
  }

  /** Cancels a pull; one that has ended stays as it is. Throws `image.pull_not_found`. */
  async cancel(id: string): Promise<ImagePull> {
    await this.pulls.cancel(id, this.clock.now())
    this.running.stop(id, cancelled())
    return this.show(id)
  }

  override async reconcile(now: Date): Promise<Requeue> {
    for (const [id, { startedAt, bytes, totalBytes }] of this.progress) {
      if (now.getTime() - startedAt.getTime() > MAX_PULL_MS) this.running.stop(id, tooSlow())
      if (!(await this.pulls.recordProgress(id, bytes, totalBytes))) this.running.stop(id, cancelled())
    }
    const lost = await this.pulls.failLost(this.serverId, this.running.keys(), STOPPED, now)
    if (lost > 0) this.log.warn({ lost }, 'pulls of images were lost with their server')
    await this.pulls.forget(new Date(now.getTime() - KEEP_MS))
    return { requeueAfterMs: this.progress.size > 0 ? PROGRESS_MS : this.intervalMs }
  }

  override async drain(): Promise<void> {
    this.running.stopAll(new RollcallError('image.pull_stopped', STOPPED))
    await this.running.drain()
  }

  private async run(
    { id, ref, requestedBy, createdAt }: Pick<ImagePull, 'id' | 'ref' | 'requestedBy' | 'createdAt'>,
    { signal }: AbortController,
  ): Promise<void> {
    const progress: Progress = { startedAt: createdAt, bytes: 0, totalBytes: null }
    this.progress.set(id, progress)
    try {
      const end = await this.pull(ref, requestedBy, progress, signal)
      await this.pulls.recordProgress(id, progress.bytes, progress.totalBytes)
      await this.pulls.finish(id, end, this.clock.now())
    } finally {
      this.progress.delete(id)
    }
  }

  private async pull(
    ref: string,
    addedBy: string,
    progress: Progress,
    signal: AbortSignal,
  ): Promise<PullEnd> {
    try {
      const parsed = parseImageRef(ref)
      if (!parsed) throw new RollcallError('server.defect', 'a pull has no valid reference')
      const content = await this.puller.pull(parsed, {
        signal,
        onProgress: (bytes, totalBytes) => Object.assign(progress, { bytes, totalBytes }),
      })
      const { repository, tag } = parsed
      const { id } = await this.images.keep({ repository, tag, source: 'registry', addedBy }, content)
      return { state: 'success', imageId: id }
    } catch (error) {
      if (!(error instanceof RollcallError) && !signal.aborted)
        this.log.error({ err: error, ref }, 'a pull of an image failed')
      const { code, message } =
        error instanceof RollcallError
          ? error
          : { code: 'server.defect' as const, message: 'Internal error of the server; see its log.' }
      return { state: 'failed', reasonCode: code, reason: sanitizeText(message, MAX_REASON) }
    }
  }
}

/** Why a pull that was cancelled ends; nobody reads it, since the pull has ended by then. */
const cancelled = () => new RollcallError('image.pull_stopped', 'The pull was cancelled.')

const tooSlow = () =>
  new RollcallError(
    'registry.unavailable',
    'The registry has not sent the image within six hours. Pull it again: what has come is not fetched twice.',
  )

function requireSame(pull: ImagePull, ref: string): ImagePull {
  if (pull.ref === ref) return pull
  throw new RollcallError('request.invalid', `The pull ${pull.id} is of ${pull.ref}. Choose another id.`, {
    fields: [{ field: 'pullId', message: 'is the id of another pull' }],
  })
}
