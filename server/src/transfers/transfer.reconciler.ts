import { Inject, Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { AccessService, RightsWatch } from '../access/index.ts'
import { AgentFiles, type OnProgress } from '../files/index.ts'
import { Reconciler } from '../platform/background/reconciler.ts'
import { RunningWork } from '../platform/background/running-work.ts'
import { Clock } from '../platform/clock/clock.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { afterFailure } from './domain/after-failure.ts'
import type { Transfer, TransferEnd, TransferHost } from './domain/transfer.ts'
import { TransferContents } from './transfer-contents.ts'
import { TransferEvents } from './transfer-events.ts'
import { TransfersRepository } from './transfers.repository.ts'

/** Hosts that files go to at once. */
const CONCURRENCY = 10
/** Progress of a transfer is stored this often at most. */
const STORE_INTERVAL_MS = 500

/** Carries out the transfers that this server holds, some hosts at a time; after a restart from where each broke off. */
@Injectable()
export class TransferReconciler extends Reconciler {
  override readonly name = 'transfers'
  override readonly intervalMs = 1000
  override readonly minPauseMs = 20
  private readonly running = new RunningWork(CONCURRENCY, () => this.wake())

  constructor(
    private readonly transfers: TransfersRepository,
    private readonly events: TransferEvents,
    private readonly contents: TransferContents,
    private readonly files: AgentFiles,
    private readonly access: AccessService,
    private readonly rights: RightsWatch,
    private readonly clock: Clock,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    super()
  }

  /** Cancels what is to be cancelled, and starts what is due as far as there is room. */
  override async reconcile(now: Date, stopping: AbortSignal): Promise<void> {
    for (const id of await this.transfers.cancelled(this.running.keys())) this.running.stop(id, CANCELLED)
    if (this.running.room <= 0) return
    for (const host of await this.transfers.due(now, 2 * CONCURRENCY)) {
      if (stopping.aborted) return
      this.start(host, stopping)
    }
  }

  override async drain(): Promise<void> {
    await this.running.drain()
  }

  private start(host: TransferHost, stopping: AbortSignal): void {
    this.running.begin(
      host.id,
      (stop) =>
        this.carryOut(host, {
          stopping,
          cancel: stop.signal,
          loseLease: () => stop.abort(LEASE_LOST),
        }),
      (err) =>
        this.log.warn(
          { err, transferId: host.transferId, host: host.hostName },
          'a transfer failed; it is tried again',
        ),
    )
  }

  private async carryOut(host: TransferHost, { stopping, cancel, loseLease }: Attempt): Promise<void> {
    const signal = AbortSignal.any([stopping, cancel])
    try {
      if (host.cancelRequestedAt !== null) throw CANCELLED
      const found = await this.transfers.find(host.transferId)
      if (!found) return
      const progress = this.toProgress(host, loseLease)
      const { files_written, files_unchanged, changes } = await this.whileAllowed(
        found.transfer,
        host,
        signal,
        (until) => this.send(found.transfer, host, until, progress.onProgress),
      )
      // Progress of a transfer that has ended is not stored.
      await progress.isStored()
      const end = {
        state: 'success' as const,
        filesWritten: files_written,
        filesUnchanged: files_unchanged,
        ...(changes && { changes }),
      }
      await this.end(host, end)
    } catch (error) {
      if (stopping.aborted || cancel.reason === LEASE_LOST) return
      if (error === CANCELLED || cancel.aborted) return this.breakOff(host, { state: 'cancelled' }, stopping)
      if (error instanceof NotAllowed) {
        const { code, message } = error.why
        return this.breakOff(host, { state: 'failed', reasonCode: code, reason: message }, stopping)
      }
      const known = this.toKnown(host, error)
      const next = afterFailure(host, known, this.clock.now(), Math.random())
      if (next.do === 'retry') {
        await this.transfers.postpone(host.id, next.at, next.unansweredSince, known)
        return this.publish(host, false)
      }
      await this.breakOff(host, { state: 'failed', reasonCode: known.code, reason: next.reason }, stopping)
    }
  }

  private toKnown({ transferId, hostName }: TransferHost, error: unknown): RollcallError {
    if (error instanceof RollcallError) return error
    this.log.error({ err: error, transferId, host: hostName }, 'a transfer failed by a defect of ours')
    return new RollcallError('server.defect', 'The server failed while it sent this; see its log.')
  }

  /** Does `work` as long as the requester may place files on the host. Throws `NotAllowed`. */
  private async whileAllowed<T>(
    { requester }: Transfer,
    { hostId }: TransferHost,
    signal: AbortSignal,
    work: (until: AbortSignal) => Promise<T>,
  ): Promise<T> {
    if (requester === null) return work(signal)
    const need = { permission: 'files:write', on: { kind: 'host', id: hostId } } as const
    const ask = () => this.access.findByRef(requester)
    const refused = await this.rights.findRefusal(await ask(), need)
    if (refused) throw new NotAllowed(refused)
    const held = this.rights.abortWhenLost(ask, need)
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
    const placing = { transferId: host.id, destination, owner, makeParents, onProgress }
    if (transfer.kind === 'file')
      return this.files.upload(host.hostId, { ...placing, mode, source: { sha256: content } }, signal)
    const entries = await this.contents.tree(content)
    return this.files.syncTree(host.hostId, { ...placing, entries, deletesOthers, isDryRun }, signal)
  }

  /** Stores progress now and then and at the end. */
  private toProgress(
    host: TransferHost,
    loseLease: () => void,
  ): { onProgress: OnProgress; isStored(): Promise<void> } {
    let storedMs = Number.NEGATIVE_INFINITY
    let storing = Promise.resolve()
    return {
      onProgress: (bytes, total) => {
        const now = performance.now()
        if (now - storedMs < STORE_INTERVAL_MS && bytes < total) return
        storedMs = now
        storing = storing
          .then(() => this.transfers.progressed(host.id, bytes, total))
          .then((isHeld) => (isHeld ? this.publish(host, false) : loseLease()))
          .catch((error) => this.log.debug({ err: error }, 'progress of a transfer could not be stored'))
      },
      isStored: () => storing,
    }
  }

  /** Ends a transfer and has the host drop its part. A host that cannot be reached drops it after a while. */
  private async breakOff(host: TransferHost, end: TransferEnd, signal: AbortSignal): Promise<void> {
    await this.files
      .cancel(host.hostId, host.id, signal)
      .catch((error) =>
        this.log.debug({ err: error, host: host.hostName }, 'a host could not be asked to drop a transfer'),
      )
    await this.end(host, end)
  }

  private async end(host: TransferHost, end: TransferEnd): Promise<void> {
    if (await this.transfers.end(host.id, end, this.clock.now())) this.publish(host, true)
  }

  private publish({ transferId, id }: TransferHost, hasEnded: boolean): void {
    this.events.changed({ transferId, id, hasEnded })
  }
}

interface Attempt {
  /** The server stops: what was begun goes on after its restart, or elsewhere. */
  stopping: AbortSignal
  /** A person cancelled the transfer, or the lease was lost. */
  cancel: AbortSignal
  loseLease(): void
}

const LEASE_LOST = new Error('another server has acquired the transfer')
const CANCELLED = new Error('the transfer was cancelled')

/** The requester may not do it any more. */
class NotAllowed extends Error {
  constructor(readonly why: RollcallError) {
    super(why.message)
  }
}
