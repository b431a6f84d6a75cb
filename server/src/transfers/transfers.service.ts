import { randomUUID } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import type {
  NewTransfer,
  SkippedHost,
  TransferHostView,
  TransferProgress,
  TransferView,
} from '@rollcall/contracts/admin'
import { notFound, type Principal, ScopeRepository, toRef } from '../access/index.ts'
import { hashOf } from '../commands/index.ts'
import { Clock } from '../platform/clock/clock.ts'
import { RunsService } from '../runs/index.ts'
import type { ListedTransfer, TransferHost } from './domain/transfer.ts'
import { TransferReconciler } from './transfer.reconciler.ts'
import { TransferContents } from './transfer-contents.ts'
import { TransfersRepository } from './transfers.repository.ts'

@Injectable()
export class TransfersService {
  constructor(
    private readonly transfers: TransfersRepository,
    private readonly contents: TransferContents,
    private readonly runs: RunsService,
    private readonly scopes: ScopeRepository,
    private readonly reconciler: TransferReconciler,
    private readonly clock: Clock,
  ) {}

  /** Accepts a transfer: when this returns, it is committed for every host. Sent again with the same id, it finds the first. */
  async start(
    request: NewTransfer,
    actor: Principal,
  ): Promise<{ transfer: TransferView; skipped: SkippedHost[] }> {
    const id = request.transferId ?? randomUUID()
    const bodyHash = hashOf({ ...request, transferId: id })
    const known = await this.transfers.find(id)
    if (known) {
      if (!(await this.scopes.exists('transfer', actor.scope, id))) throw idConflict(id)
      return { transfer: sameView(known, bodyHash, actor), skipped: [] }
    }
    const { transferId: _, hosts, labels, all, source, deleteOthers, dryRun, ...placing } = request
    await this.contents.check(source.kind, source.sha256)
    const { chosen, skipped } = await this.runs.choose({ hosts, labels, all }, actor.scope)
    const transfer = {
      ...placing,
      id,
      bodyHash,
      kind: source.kind,
      content: source.sha256,
      deletesOthers: deleteOthers,
      isDryRun: dryRun,
      requestedBy: actor.name,
      requester: toRef(actor),
      createdAt: this.clock.now(),
    }
    const parts = chosen.map((host) => ({ id: randomUUID(), hostId: host.id, hostName: host.name }))
    await this.transfers.insert(transfer, parts)
    this.reconciler.wake()
    return { transfer: sameView(await this.find(id), bodyHash, actor), skipped }
  }

  async list(limit: number): Promise<TransferView[]> {
    return (await this.transfers.list(limit)).map(toView)
  }

  /** Throws `transfer.not_found`. */
  async show(id: string): Promise<{ transfer: TransferView; hosts: TransferHostView[] }> {
    const found = await this.find(id)
    return { transfer: toView(found), hosts: (await this.transfers.hosts(id)).map(toHostView) }
  }

  /** The same without what was changed on each host, as often as somebody who follows it wants to know. Throws `transfer.not_found`. */
  async progress(id: string): Promise<{ transfer: TransferView; hosts: TransferProgress[] }> {
    // The hosts last: a transfer that is said to have ended has no host that is behind that.
    const transfer = toView(await this.find(id))
    const hosts = (await this.transfers.progress(id)).map(toHostView)
    return { transfer, hosts: hosts.map(({ changes: _changes, ...host }) => host) }
  }

  async cancel(id: string): Promise<TransferView> {
    await this.find(id)
    await this.transfers.cancel(id, this.clock.now())
    this.reconciler.wake()
    return toView(await this.find(id))
  }

  private async find(id: string): Promise<ListedTransfer> {
    const found = await this.transfers.find(id)
    if (found) return found
    throw notFound('transfer', id)
  }
}

/** A transfer that was sent again, by whoever sent it first. */
function sameView(found: ListedTransfer, bodyHash: string, { kind, id }: Principal): TransferView {
  const { requester } = found.transfer
  const isSameCaller = requester === null || (requester.kind === kind && requester.id === id)
  if (found.transfer.bodyHash === bodyHash && isSameCaller) return toView(found)
  throw idConflict(found.transfer.id)
}

const idConflict = (id: string) =>
  new RollcallError(
    'file.id_conflict',
    `The transfer ${id} was asked for before with another body. Choose another transferId for another request.`,
    { fields: [{ field: 'transferId', message: 'is taken by another request' }] },
  )

const NONE = { pending: 0, running: 0, success: 0, failed: 0, cancelled: 0 }

const toView = ({ transfer, counts, endedAt }: ListedTransfer): TransferView => ({
  id: transfer.id,
  kind: transfer.kind,
  destination: transfer.destination,
  requestedBy: transfer.requestedBy,
  isDryRun: transfer.isDryRun,
  createdAt: transfer.createdAt.toISOString(),
  endedAt: endedAt?.toISOString() ?? null,
  counts: { ...NONE, ...counts },
})

const toHostView = (host: TransferHost): TransferHostView => ({
  host: host.hostName,
  state: host.state,
  bytes: host.bytes,
  totalBytes: host.totalBytes,
  filesWritten: host.filesWritten,
  filesUnchanged: host.filesUnchanged,
  changes: host.changes,
  reasonCode: host.reasonCode,
  reason: host.reason,
})
