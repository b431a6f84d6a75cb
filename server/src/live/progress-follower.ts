import type { LiveEvent } from '@rollcall/contracts/admin'
import type { WebSocket } from 'ws'
import { Alarm } from '../platform/clock/alarm.ts'
import { waitForDrain } from './wait-for-drain.ts'

/** The least time between two messages to a viewer, unless all has ended. */
const MIN_INTERVAL_MS = 250
/** Changes that another server made are found by the next poll. */
const POLL_INTERVAL_MS = 2000

/** A change of one part: of a command of a run, or of a host of a transfer. */
export interface PartChange {
  id: string
  hasEnded: boolean
}

/** Publishes the progress of something with many parts to one viewer, no faster than its socket drains. */
export abstract class ProgressFollower {
  /** Parts that have not ended, as of the last message. */
  protected open = Number.POSITIVE_INFINITY
  private isStopped = false
  private hasNews = false
  private readonly ended = new Set<string>()
  private readonly news = new Alarm()

  constructor(private readonly socket: WebSocket) {}

  /** Calls `notify` for each change that this server makes. Returns how to stop. */
  protected abstract subscribe(notify: (change: PartChange) => void): () => void
  /** Sends what has changed; reads all that is open if a poll is due. Returns whether all has ended. */
  protected abstract publish(isPollDue: boolean): Promise<boolean>

  stop(): void {
    this.isStopped = true
    this.news.ring()
  }

  /** Ends when all has ended and was published, when stopped, or with the error that the database gave. */
  async run(): Promise<void> {
    const unsubscribe = this.subscribe((change) => this.notify(change))
    try {
      for (let polledAt = Number.NEGATIVE_INFINITY; !this.isStopped; ) {
        const now = performance.now()
        const isPollDue = !this.hasNews || now - polledAt >= POLL_INTERVAL_MS
        if (isPollDue) polledAt = now
        this.hasNews = false
        this.ended.clear()
        if (await this.publish(isPollDue)) return
        await this.waitForNews()
        await waitForDrain(this.socket, () => this.isStopped)
      }
    } finally {
      unsubscribe()
    }
  }

  protected send(event: LiveEvent): void {
    if (!this.isStopped && this.socket.readyState === this.socket.OPEN)
      this.socket.send(JSON.stringify(event))
  }

  private notify({ id, hasEnded }: PartChange): void {
    this.hasNews = true
    if (hasEnded) this.ended.add(id)
    this.news.ring()
  }

  /** Waits for a change, but no less than the interval, or until the last part has ended or the next poll is due. */
  private async waitForNews(): Promise<void> {
    const isOver = () => this.isStopped || this.ended.size >= this.open
    await this.waitUntil(isOver, MIN_INTERVAL_MS)
    await this.waitUntil(() => isOver() || this.hasNews, POLL_INTERVAL_MS - MIN_INTERVAL_MS)
  }

  private async waitUntil(isOver: () => boolean, maxMs: number): Promise<void> {
    const until = performance.now() + maxMs
    let leftMs = maxMs
    while (!isOver() && (await this.news.wait(leftMs))) leftMs = until - performance.now()
  }
}
