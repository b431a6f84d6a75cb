import { RETRY_POLICIES, retryDelayMs } from '@rollcall/contracts'
import type { LiveEvent, LiveRequest } from '@rollcall/contracts/admin'
import { announceSignedOut } from './client.ts'

/** The close code for a session that has ended. */
const SIGNED_OUT = 4401

export type LiveStatus = { is: 'live' } | { is: 'connecting' } | { is: 'waiting'; untilMs: number }

/** Something that is followed. After a reconnection it is requested again, from where it was. */
export interface Topic {
  /** Tells whether an event belongs to it. */
  takes(event: LiveEvent): boolean
  begin(): LiveRequest
  end(): LiveRequest
  onEvent(event: LiveEvent): void
}

export type EventReader = (text: string) => LiveEvent | undefined

/** Holds the page's one WebSocket. It is open while anything is followed, and reconnects with backoff. */
export class LiveClient {
  #socket: WebSocket | undefined
  #status: LiveStatus = { is: 'live' }
  #failures = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  readonly #topics = new Set<Topic>()
  readonly #listeners = new Set<() => void>()
  #read: EventReader | undefined
  /** Messages that came before there was a reader. */
  #unread: string[] = []

  /** `loadReader` is called with the first connection: the schemas of all events are not what the first page waits for. */
  constructor(
    private readonly open: () => WebSocket,
    private readonly loadReader: () => Promise<EventReader>,
  ) {}

  get status(): LiveStatus {
    return this.#status
  }

  readonly onStatus = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Follows a topic until the returned function is called. */
  follow(topic: Topic): () => void {
    this.#topics.add(topic)
    if (this.#socket?.readyState === 1) this.#send(topic.begin())
    else this.#connect()
    return () => {
      if (this.#topics.delete(topic)) this.#send(topic.end())
    }
  }

  /** Reconnects at once instead of waiting, as when the network is back. */
  retryNow(): void {
    if (this.#status.is !== 'waiting') return
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#connect()
  }

  #connect(): void {
    if (this.#socket || this.#timer !== undefined) return
    this.#become({ is: 'connecting' })
    const socket = this.open()
    this.#socket = socket
    this.#unread = []
    // Without a reader the connection is worth nothing: both are tried again.
    if (!this.#read) this.#loadReader().catch(() => socket.close())
    socket.onopen = () => {
      this.#failures = 0
      this.#become({ is: 'live' })
      for (const topic of this.#topics) this.#send(topic.begin())
    }
    socket.onmessage = ({ data }) => this.#receive(String(data))
    socket.onclose = ({ code }) => this.#closed(code)
  }

  #closed(code: number): void {
    this.#socket = undefined
    if (code === SIGNED_OUT) announceSignedOut()
    if (this.#topics.size === 0) {
      this.#become({ is: 'live' })
      return
    }
    const waitMs = retryDelayMs(RETRY_POLICIES.webLive, ++this.#failures, Math.random())
    this.#become({ is: 'waiting', untilMs: Date.now() + waitMs })
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#connect()
    }, waitMs)
  }

  #receive(text: string): void {
    if (!this.#read) {
      this.#unread.push(text)
      return
    }
    const event = this.#read(text)
    if (!event) return
    for (const topic of this.#topics) if (topic.takes(event)) topic.onEvent(event)
  }

  async #loadReader(): Promise<void> {
    this.#read = await this.loadReader()
    for (const text of this.#unread.splice(0)) this.#receive(text)
  }

  #send(request: LiveRequest): void {
    if (this.#socket?.readyState === 1) this.#socket.send(JSON.stringify(request))
  }

  #become(status: LiveStatus): void {
    this.#status = status
    for (const listener of this.#listeners) listener()
  }
}

const address = () => `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`
export const live = new LiveClient(
  () => new WebSocket(address()),
  async () => (await import('./live-events.ts')).readLiveEvent,
)
globalThis.addEventListener?.('online', () => live.retryNow())
