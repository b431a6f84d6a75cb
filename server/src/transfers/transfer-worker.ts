import { Inject, Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { AccessService, RightsWatch } from '../access/index.ts'
import { BlobStore } from '../blobs/index.ts'
import { AgentFiles, type OnProgress } from '../files/index.ts'
import { Clock } from '../platform/clock/clock.ts'
import { Repeater } from '../platform/clock/repeater.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { afterFailure } from './domain/after-failure.ts'
import type { Transfer, TransferHost } from './domain/transfer.ts'
import { TransferContents } from './transfer-contents.ts'
import { TransferEvents } from './transfer-events.ts'
import { type TransferEnd, TransfersRepository } from './transfers.repository.ts'

const LOOK_MS = 1000
const COLLECT_MS = 10 * 60_000
/** Content that no transfer needs is kept for so long. */
const KEPT_MS = 24 * 3600_000
/** Hosts that files go to at once. */
const AT_ONCE = 10
/** How far a transfer is gets written down at most so often. */
const PROGRESS_MS = 500

/** Carries out transfers: takes what is due, some hosts at a time, and after a restart goes on with what it had begun. */
@Injectable()
export class TransferWorker implements OnModuleInit, OnModuleDestroy {
  private readonly stopping = new AbortController()
  private readonly running = new Map<string, AbortController>()
  private readonly work = new Set<Promise<void>>()
  private loops: Promise<void>[] = []

  constructor(
    private readonly transfers: TransfersRepository,
    private readonly events: TransferEvents,
    private readonly contents: TransferContents,
    private readonly files: AgentFiles,
    private readonly blobs: BlobStore,
    private readonly access: AccessService,
    private readonly rights: RightsWatch,
    private readonly clock: Clock,
    private readonly repeater: Repeater,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  onModuleInit() {
    const { signal } = this.stopping
    this.loops = [
      this.repeater.repeat('looking for transfers that are due', LOOK_MS, signal, () => this.look()),
      this.repeater.repeat('removing contents that nobody needs', COLLECT_MS, signal, () => this.collect()),
    ]
  }

  async onModuleDestroy() {
    this.stopping.abort()
    for (const controller of this.running.values()) controller.abort(this.stopping.signal.reason)
    await Promise.all([...this.loops, ...this.work])
  }

  /** Something is new: look now. A hint, without which it is seen a second later. */
  wake(): void {
    this.look().catch((error) =>
      this.log.warn({ err: error }, 'transfers could not be looked for; trying again'),
    )
  }

  private async look(): Promise<void> {
    for (const id of await this.transfers.cancelled([...this.running.keys()]))
      this.running.get(id)?.abort(CANCELLED)
    if (this.running.size >= AT_ONCE) return
    for (const host of await this.transfers.due(this.clock.now(), 2 * AT_ONCE)) {
      if (this.stopping.signal.aborted || this.running.size >= AT_ONCE) return
      if (this.running.has(host.id)) continue
      const controller = new AbortController()
      this.running.set(host.id, controller)
      const working = this.carryOut(host, controller.signal)
        .catch((error) =>
          this.log.warn(
            { err: error, transferId: host.transferId, host: host.hostName },
            'a transfer is tried again',
          ),
        )
        .finally(() => {
          this.running.delete(host.id)
          this.work.delete(working)
          if (!this.stopping.signal.aborted) this.wake()
        })
      this.work.add(working)
    }
  }

  private async carryOut(host: TransferHost, signal: AbortSignal): Promise<void> {
    try {
      if (host.cancelRequestedAt !== null) throw CANCELLED
      const found = await this.transfers.find(host.transferId)
      if (!found) return
      const progress = this.toProgress(host)
      const { files_written, files_unchanged, changes } = await this.whileAllowed(
        found.transfer,
        host,
        signal,
        (until) => this.send(found.transfer, host, until, progress.onProgress),
      )
      // Nothing is written down of one that has ended.
      await progress.isNoted()
      const end = {
        state: 'success' as const,
        filesWritten: files_written,
        filesUnchanged: files_unchanged,
        ...(changes && { changes }),
      }
      await this.end(host, end)
    } catch (error) {
      if (this.stopping.signal.aborted) return
      if (error === CANCELLED || signal.reason === CANCELLED)
        return this.breakOff(host, { state: 'cancelled' })
      if (error instanceof NotAllowed)
        return this.breakOff(host, { state: 'failed', reasonCode: error.why.code, reason: error.why.message })
      if (!(error instanceof RollcallError)) throw error
      const next = afterFailure(host, error, this.clock.now())
      if (next.do === 'retry') {
        await this.transfers.postpone(host.id, next.at, next.unansweredSince, error)
        return this.tell(host, false)
      }
      await this.breakOff(host, { state: 'failed', reasonCode: error.code, reason: next.reason })
    }
  }

  /** Does `work` as long as whoever asked for the transfer may place files on the host. Throws `NotAllowed`. */
  private async whileAllowed<T>(
    { requester }: Transfer,
    { hostId }: TransferHost,
    signal: AbortSignal,
    work: (until: AbortSignal) => Promise<T>,
  ): Promise<T> {
    if (requester === null) return work(signal)
    const need = { permission: 'files:write', on: { kind: 'host', id: hostId } } as const
    const ask = () => this.access.findByRef(requester)
    const refused = await this.rights.refusalOf(await ask(), need)
    if (refused) throw new NotAllowed(refused)
    const held = this.rights.hold(ask, need)
    try {
      return await work(AbortSignal.any([signal, held.signal]))
    } catch (error) {
      if (held.signal.aborted && !signal.aborted) throw new NotAllowed(held.signal.reason)
      throw error
    } finally {
      held.release()
    }
  }

  private async send(transfer: Transfer, host: TransferHost, signal: AbortSignal, onProgress: OnProgress) {
    const { destination, owner, makeParents, mode, content, deletesOthers, isDryRun } = transfer
    const placing = { transferId: host.id, destination, owner, makeParents }
    if (transfer.kind === 'file')
      return this.files.upload(
        host.hostId,
        { ...placing, mode, source: { sha256: content } },
        signal,
        onProgress,
      )
    const entries = await this.contents.tree(content)
    return this.files.syncTree(
      host.hostId,
      { ...placing, entries, deletesOthers, isDryRun },
      signal,
      onProgress,
    )
  }

  /** Writes down how far one is, now and then and at its end. */
  private toProgress(host: TransferHost): { onProgress: OnProgress; isNoted(): Promise<void> } {
    let notedMs = Number.NEGATIVE_INFINITY
    let noting = Promise.resolve()
    return {
      onProgress: (bytes, total) => {
        const now = performance.now()
        if (now - notedMs < PROGRESS_MS && bytes < total) return
        notedMs = now
        noting = noting
          .then(() => this.transfers.progressed(host.id, bytes, total))
          .then(() => this.tell(host, false))
          .catch((error) => this.log.debug({ err: error }, 'how far a transfer is could not be written down'))
      },
      isNoted: () => noting,
    }
  }

  /** The host is told if it can be; what it does not hear of, it forgets by itself. */
  private async breakOff(host: TransferHost, end: TransferEnd): Promise<void> {
    await this.files
      .abandon(host.hostId, host.id, this.stopping.signal)
      .catch((error) =>
        this.log.debug({ err: error, host: host.hostName }, 'a host was not told that a transfer is over'),
      )
    await this.end(host, end)
  }

  private async end(host: TransferHost, end: TransferEnd): Promise<void> {
    await this.transfers.end(host.id, end, this.clock.now())
    this.tell(host, true)
  }

  private tell({ transferId, id }: TransferHost, hasEnded: boolean): void {
    this.events.changed({ transferId, id, hasEnded })
  }

  private async collect(): Promise<void> {
    const inUse = await this.contents.needed(await this.transfers.openContents())
    const removed = await this.blobs.collect(new Date(this.clock.now().getTime() - KEPT_MS), inUse)
    if (removed > 0) this.log.info({ removed }, 'contents that nobody needs were removed')
  }
}

const CANCELLED = new Error('the transfer was cancelled')

/** Whoever asked for it may not do it any more. */
class NotAllowed extends Error {
  constructor(readonly why: RollcallError) {
    super(why.message)
  }
}
