import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common'
import { RETRY_POLICIES, retryDelayMs } from '@rollcall/contracts'
import pg from 'pg'
import { LOGGER, type Logger } from '../log.ts'
import { Database } from './database.ts'

export interface Listener {
  onNotice(payload: string): void
  /** Called after a reconnect, because notifications may have been missed. */
  onGap(): void
}

/**
 * Delivers PostgreSQL notifications from any server, as hints that shorten waiting. It uses one connection while there
 * are listeners and reconnects after a failure; behind a pooler without LISTEN nothing is delivered, and listeners rely
 * on their polling.
 */
@Injectable()
export class Notifications implements OnApplicationShutdown {
  private readonly listeners = new Map<string, Set<Listener>>()
  private client: pg.Client | undefined
  private timer: NodeJS.Timeout | undefined
  private failures = 0
  /** The last subscription: a connection takes one statement at a time. */
  private subscribed = Promise.resolve()
  private isShutDown = false

  constructor(
    private readonly database: Database,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  /** Subscribes to `channel`. Returns a function that unsubscribes. */
  listen(channel: string, listener: Listener): () => void {
    const all = this.listeners.get(channel) ?? new Set()
    all.add(listener)
    if (!this.listeners.has(channel)) {
      this.listeners.set(channel, all)
      if (this.client) this.subscribe(this.client, channel)
      else this.open()
    }
    return () => {
      all.delete(listener)
      if (all.size === 0 && this.listeners.get(channel) === all) this.listeners.delete(channel)
      if (this.listeners.size === 0) this.close()
    }
  }

  onApplicationShutdown(): void {
    this.isShutDown = true
    this.close()
  }

  private open(): void {
    if (this.isShutDown || this.client || this.timer) return
    const client = new pg.Client({ keepAlive: true, ...this.database.connection })
    this.client = client
    this.subscribed = Promise.resolve()
    client.on('error', (error) => this.reconnect(client, error))
    client.on('end', () => this.reconnect(client))
    client.on('notification', ({ channel, payload }) => {
      for (const listener of this.listeners.get(channel) ?? []) listener.onNotice(payload ?? '')
    })
    client.connect().then(
      () => {
        this.failures = 0
        for (const channel of this.listeners.keys()) this.subscribe(client, channel)
      },
      (error) => this.reconnect(client, error),
    )
  }

  private subscribe(client: pg.Client, channel: string): void {
    this.subscribed = this.subscribed
      .then(() => client.query(`LISTEN ${pg.escapeIdentifier(channel)}`))
      .then(
        () => {
          for (const listener of this.listeners.get(channel) ?? []) listener.onGap()
        },
        (error) => this.reconnect(client, error),
      )
  }

  private reconnect(client: pg.Client, error?: Error): void {
    if (this.client !== client) return
    this.log.debug({ err: error }, 'lost the notification connection; reconnecting')
    this.close()
    if (this.listeners.size === 0 || this.isShutDown) return
    const waitMs = retryDelayMs(RETRY_POLICIES.listen, ++this.failures, Math.random())
    this.timer = setTimeout(() => {
      this.timer = undefined
      this.open()
    }, waitMs).unref()
  }

  private close(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    const { client } = this
    this.client = undefined
    client
      ?.end()
      .catch((error) => this.log.debug({ err: error }, 'failed to close the notification connection'))
  }
}
