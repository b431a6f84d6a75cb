import {
  type LiveEvent,
  TRANSFER_EVENT_HOSTS,
  type TransferProgress,
  type TransferView,
} from '@rollcall/contracts/admin'
import type { WebSocket } from 'ws'
import type { TransferEvents, TransfersService } from '../transfers/index.ts'
import { Pause } from './pause.ts'
import { waitForDrain } from './wait-for-drain.ts'

/** A viewer is sent changes this often at most, unless the transfer has ended. */
const MIN_INTERVAL_MS = 250
/** Changes by another server are seen at the next poll. */
const POLL_INTERVAL_MS = 2000

/** Publishes the progress of a transfer to one viewer: all of its hosts once, and then those that have changed. */
export class TransferFollower {
  private isStopped = false
  private hasChanged = false
  private readonly ended = new Set<string>()
  private open = Number.POSITIVE_INFINITY
  private readonly published = new Map<string, string>()
  private readonly pause = new Pause()

  constructor(
    private readonly transferId: string,
    private readonly socket: WebSocket,
    private readonly transfers: TransfersService,
    private readonly events: TransferEvents,
  ) {}

  stop(): void {
    this.isStopped = true
    this.pause.interrupt()
  }

  /** Resolves when the transfer has ended and all was published, or when stopped. Throws what the database throws. */
  async run(): Promise<void> {
    const unfollow = this.events.follow(this.transferId, ({ id, hasEnded }) => {
      this.hasChanged = true
      if (hasEnded) this.ended.add(id)
      this.pause.interrupt()
    })
    try {
      while (!this.isStopped) {
        this.hasChanged = false
        this.ended.clear()
        const transfer = await this.publish()
        if (transfer.endedAt !== null) return this.send({ type: 'transfer-end', transfer })
        await this.waitForChange()
        await waitForDrain(this.socket, () => this.isStopped)
      }
    } finally {
      unfollow()
    }
  }

  private async publish(): Promise<TransferView> {
    const { transfer, hosts } = await this.transfers.progress(this.transferId)
    this.open = transfer.counts.pending + transfer.counts.running
    const changed: TransferProgress[] = []
    for (const host of hosts) {
      const now = JSON.stringify(host)
      if (this.published.get(host.host) === now) continue
      this.published.set(host.host, now)
      changed.push(host)
    }
    for (let first = 0; first < changed.length; first += TRANSFER_EVENT_HOSTS)
      this.send({ type: 'transfer', transfer, hosts: changed.slice(first, first + TRANSFER_EVENT_HOSTS) })
    return transfer
  }

  /** Waits for a change, but no less than the minimal interval; or for the last host to end, or the next poll. */
  private async waitForChange(): Promise<void> {
    const isOver = () => this.isStopped || this.ended.size >= this.open
    await this.pause.wait(MIN_INTERVAL_MS, isOver)
    await this.pause.wait(POLL_INTERVAL_MS - MIN_INTERVAL_MS, () => isOver() || this.hasChanged)
  }

  private send(event: LiveEvent): void {
    if (!this.isStopped && this.socket.readyState === this.socket.OPEN)
      this.socket.send(JSON.stringify(event))
  }
}
