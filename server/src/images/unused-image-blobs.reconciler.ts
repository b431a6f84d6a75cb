import { Inject, Injectable } from '@nestjs/common'
import { CAN_WAIT_MS, Reconciler } from '../platform/background/reconciler.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { SERVER_ID } from '../platform/tokens.ts'
import { blobsOf, toDigest, toHash } from './domain/image.ts'
import { ImageStore } from './image-store.ts'
import { ImagesRepository } from './images.repository.ts'

/** A blob that no image names is kept this long after its last use: an image may be under way of which it is a part. */
const KEEP_BLOBS_MS = 24 * 3600_000
/** How long a version is kept after another one has taken its tag, for a way back. */
const KEEP_REPLACED_MS = 7 * 24 * 3600_000

/** Removes versions that were replaced and blobs that no image names, and writes down which blobs this server has. */
@Injectable()
export class UnusedImageBlobsReconciler extends Reconciler {
  override readonly name = 'unused-image-blobs'
  override readonly intervalMs = 10 * 60_000
  override readonly startDelayMs = CAN_WAIT_MS

  constructor(
    private readonly images: ImagesRepository,
    private readonly store: ImageStore,
    @Inject(SERVER_ID) private readonly serverId: string,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    super()
  }

  override async reconcile(now: Date): Promise<void> {
    const before = new Date(now.getTime() - KEEP_REPLACED_MS)
    const replaced = await this.images.removeReplaced(before)
    const images = await this.images.list()
    const named = new Set(images.flatMap((image) => blobsOf(image).map(({ digest }) => toHash(digest))))
    const blobs = await this.store.evictUnused(new Date(now.getTime() - KEEP_BLOBS_MS), named)
    const missing = new Set(await this.store.missing(named))
    const here = [...named].filter((hash) => !missing.has(hash)).map(toDigest)
    await this.images.recordBlobs(here, this.serverId, now)
    if (replaced + blobs > 0) this.log.info({ images: replaced, blobs }, 'removed images that nothing needs')
  }
}
