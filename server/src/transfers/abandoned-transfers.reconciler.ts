import { Inject, Injectable } from '@nestjs/common'
import { Reconciler } from '../platform/background/reconciler.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { decideTakeover } from './domain/decide-takeover.ts'
import type { AbandonedTransfer } from './domain/transfer.ts'
import { TransferReconciler } from './transfer.reconciler.ts'
import { TransferContents } from './transfer-contents.ts'
import { TransferEvents } from './transfer-events.ts'
import { TransfersRepository } from './transfers.repository.ts'

const BATCH = 500

/** Acquires transfers whose server is gone, where this one has the content too, and gives up those whose content nobody brings back. */
@Injectable()
export class AbandonedTransfersReconciler extends Reconciler {
  override readonly name = 'abandoned-transfers'
  override readonly intervalMs = 2000

  constructor(
    private readonly transfers: TransfersRepository,
    private readonly contents: TransferContents,
    private readonly events: TransferEvents,
    private readonly sender: TransferReconciler,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    super()
  }

  override async reconcile(now: Date, signal: AbortSignal): Promise<void> {
    const isHere = new Map<string, Promise<boolean>>()
    const takeOver = async (abandoned: AbandonedTransfer) => {
      const known = isHere.get(abandoned.content) ?? this.contents.isHere(abandoned)
      isHere.set(abandoned.content, known)
      await this.takeOver(abandoned, await known, now)
    }
    await this.forEach(await this.transfers.abandoned(BATCH), signal, takeOver, (err, { id }) =>
      this.log.warn({ err, transferId: id }, 'a transfer could not be acquired; trying again'),
    )
  }

  private async takeOver(abandoned: AbandonedTransfer, hasContent: boolean, now: Date): Promise<void> {
    const decision = decideTakeover(abandoned, hasContent, now)
    if (decision.do === 'wait') return
    const acquired = await this.transfers.acquire(abandoned.id)
    if (acquired.length === 0) return
    this.log.warn(
      { transferId: abandoned.id, hosts: acquired.length },
      'acquired a transfer whose server is gone',
    )
    if (decision.do === 'acquire') return this.sender.wake()
    const end = {
      state: 'failed' as const,
      reasonCode: 'file.content_gone' as const,
      reason: decision.reason,
    }
    for (const { id, transferId } of acquired)
      if (await this.transfers.end(id, end, now)) this.events.changed({ transferId, id, hasEnded: true })
  }
}
