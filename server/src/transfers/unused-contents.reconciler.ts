import { Inject, Injectable } from '@nestjs/common'
import { BlobStore } from '../blobs/index.ts'
import { CAN_WAIT_MS, Reconciler } from '../platform/background/reconciler.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { TransferContents } from './transfer-contents.ts'
import { TransfersRepository } from './transfers.repository.ts'

/** Content that no transfer needs is kept this long after its last use. */
const KEEP_MS = 24 * 3600_000

/** Removes contents that no transfer needs any more. */
@Injectable()
export class UnusedContentsReconciler extends Reconciler {
  override readonly name = 'unused-contents'
  override readonly intervalMs = 10 * 60_000
  override readonly startDelayMs = CAN_WAIT_MS

  constructor(
    private readonly transfers: TransfersRepository,
    private readonly contents: TransferContents,
    private readonly blobs: BlobStore,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    super()
  }

  override async reconcile(now: Date): Promise<void> {
    const inUse = await this.contents.needed(await this.transfers.openContents())
    const removed = await this.blobs.evictUnused(new Date(now.getTime() - KEEP_MS), inUse)
    if (removed > 0) this.log.info({ removed }, 'removed contents that no transfer needs')
  }
}
