import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common'
import { RETRY_POLICIES, retryDelayMs } from '@rollcall/contracts'
import pg from 'pg'
import { LOGGER, type Logger } from '../log.ts'
import { Database } from './database.ts'

export interface Listener {
  onNotice(payload: string): void
  /** Notices may have been missed: the connection is new. */
  onGap(): void
}

/**
 * Notifications of PostgreSQL from any server: a hint that saves waiting, and no more. One
 * connection of its own, open while anybody listens, and opened again when it breaks. Behind a pooler that has no LISTEN
 * nothing is ever said, and whoever listens finds the same at its next look.
 */
@Injectable()
export class Notifications implements OnApplicationShutdown {
  private readonly listeners = new Map<string, Set<Listener>>()
  private client: pg.Client | undefined
  private timer: NodeJS.Timeout | undefined
  private failures = 0
  private isOver = false

  constructor(
    private readonly database: Database,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  /** Calls back for what is said on `channel`, a name of ours, until the returned function is called. */
  listen(channel: string, listener: Listener): () => void {
    const all = this.listeners.get(channel) ?? new Set()
    all.add(listener)
    if (!this.listeners.has(channel)) {
      this.listeners.set(channel, all)
      if (this.client) this.hear(this.client, channel)
      else this.open()
    }
    return () => {
      all.delete(listener)
      if (all.size === 0 && this.listeners.get(channel) === all) this.listeners.delete(channel)
      if (this.listeners.size === 0) this.close()
    }
  }

  onApplicationShutdown(): void {
    this.isOver = true
    this.close()
  }

  private open(): void {
    if (this.isOver || this.client || this.timer) return
    const client = new pg.Client({ keepAlive: true, ...this.database.connection })
    this.client = client
    client.on('error', (error) => this.broken(client, error))
    client.on('end', () => this.broken(client))
    client.on('notification', ({ channel, payload }) => {
      for (const listener of this.listeners.get(channel) ?? []) listener.onNotice(payload ?? '')
    })
    client.connect().then(
      () => {
        this.failures = 0
        for (const channel of this.listeners.keys()) this.hear(client, channel)
      },
      (error) => this.broken(client, error),
    )
  }

  private hear(client: pg.Client, channel: string): void {
    client.query(`LISTEN ${pg.escapeIdentifier(channel)}`).then(
      () => {
        for (const listener of this.listeners.get(channel) ?? []) listener.onGap()
      },
      (error) => this.broken(client, error),
    )
  }

  private broken(client: pg.Client, error?: Error): void {
    if (this.client !== client) return
    this.log.debug({ err: error }, 'the connection for notices is lost; it is opened again')
    this.close()
    if (this.listeners.size === 0 || this.isOver) return
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
    client?.end().catch((error) => this.log.debug({ err: error }, 'the connection for notices ended badly'))
  }
}
