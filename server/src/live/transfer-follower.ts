import { TRANSFER_EVENT_HOSTS, TRANSFER_HOST_STATE, type TransferProgress } from '@rollcall/contracts/admin'
import type { WebSocket } from 'ws'
import type { TransferEvents, TransfersService } from '../transfers/index.ts'
import { type PartChange, ProgressFollower } from './progress-follower.ts'

/** Publishes how far a transfer is on each of its hosts: all of them once, and then those of which something is new. */
export class TransferFollower extends ProgressFollower {
  private readonly published = new Map<string, string>()

  constructor(
    private readonly transferId: string,
    socket: WebSocket,
    private readonly transfers: TransfersService,
    private readonly events: TransferEvents,
  ) {
    super(socket)
  }

  protected subscribe(notify: (change: PartChange) => void): () => void {
    return this.events.follow(this.transferId, notify)
  }

  protected async publish(): Promise<boolean> {
    const { transfer, hosts } = await this.transfers.progress(this.transferId)
    const openStates = TRANSFER_HOST_STATE.except('isOver')
    this.open = openStates.reduce((sum, state) => sum + transfer.counts[state], 0)
    const news = hosts.filter((host) => this.isNew(host))
    for (let first = 0; first < news.length; first += TRANSFER_EVENT_HOSTS)
      this.send({ type: 'transfer', transfer, hosts: news.slice(first, first + TRANSFER_EVENT_HOSTS) })
    if (transfer.endedAt === null) return false
    this.send({ type: 'transfer-end', transfer })
    return true
  }

  private isNew(host: TransferProgress): boolean {
    const now = JSON.stringify(host)
    if (this.published.get(host.host) === now) return false
    this.published.set(host.host, now)
    return true
  }
}
