import {
  type LiveEvent,
  TRANSFER_EVENT_HOSTS,
  type TransferProgress,
  type TransferView,
} from '@rollcall/contracts/admin'
import type { WebSocket } from 'ws'
import type { TransferEvents, TransfersService } from '../transfers/index.ts'
import { drained } from './drained.ts'

/** A viewer is told at most this often, unless the transfer has ended. */
const PAUSE_MS = 250
/** What another server writes down is seen at the next look. */
const LOOK_AGAIN_MS = 2000

/** Tells one viewer how far a transfer is on each of its hosts: all of them once, and then those of which something is new. */
export class TransferFollower {
  private isStopped = false
  private hasNews = false
  private readonly ended = new Set<string>()
  private open = Number.POSITIVE_INFINITY
  private readonly told = new Map<string, string>()
  private wake: (() => void) | undefined

  constructor(
    private readonly transferId: string,
    private readonly socket: WebSocket,
    private readonly transfers: TransfersService,
    private readonly events: TransferEvents,
  ) {}

  stop(): void {
    this.isStopped = true
    this.wake?.()
  }

  /** Ends when the transfer has ended and all was told, when stopped, or with the error that the database gave. */
  async run(): Promise<void> {
    const unfollow = this.events.follow(this.transferId, ({ id, hasEnded }) => {
      this.hasNews = true
      if (hasEnded) this.ended.add(id)
      this.wake?.()
    })
    try {
      while (!this.isStopped) {
        this.hasNews = false
        this.ended.clear()
        const transfer = await this.look()
        if (transfer.endedAt !== null) return this.send({ type: 'transfer-end', transfer })
        await this.waitForNews()
        await drained(this.socket, () => this.isStopped)
      }
    } finally {
      unfollow()
    }
  }

  private async look(): Promise<TransferView> {
    const { transfer, hosts } = await this.transfers.progress(this.transferId)
    this.open = transfer.counts.pending + transfer.counts.running
    const news: TransferProgress[] = []
    for (const host of hosts) {
      const now = JSON.stringify(host)
      if (this.told.get(host.host) === now) continue
      this.told.set(host.host, now)
      news.push(host)
    }
    for (let first = 0; first < news.length; first += TRANSFER_EVENT_HOSTS)
      this.send({ type: 'transfer', transfer, hosts: news.slice(first, first + TRANSFER_EVENT_HOSTS) })
    return transfer
  }

  /** Until something is new, but no sooner than the pause, or until the last host has ended, or the next look is due. */
  private async waitForNews(): Promise<void> {
    const isOver = () => this.isStopped || this.ended.size >= this.open
    await this.sleep(PAUSE_MS, isOver)
    await this.sleep(LOOK_AGAIN_MS - PAUSE_MS, () => isOver() || this.hasNews)
  }

  private async sleep(ms: number, isOver: () => boolean): Promise<void> {
    if (isOver()) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.wake = () => {
        if (!isOver()) return
        clearTimeout(timer)
        resolve()
      }
    })
    this.wake = undefined
  }

  private send(event: LiveEvent): void {
    if (!this.isStopped && this.socket.readyState === this.socket.OPEN)
      this.socket.send(JSON.stringify(event))
  }
}
