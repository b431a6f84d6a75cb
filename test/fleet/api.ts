import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import {
  ADMIN_ROUTES,
  type CommandView,
  type HostView,
  type NewHostInput,
  type NewRunInput,
} from '@rollcall/contracts/admin'
import { ApiClient } from '@rollcall/contracts/client'

const FINAL = new Set(['success', 'failed', 'timed_out', 'cancelled', 'lost'])
/** Between two looks at a command: more where it takes long, which keeps the server less busy. */
const MIN_POLL_MS = 100
const MAX_POLL_MS = 500
const POLL_SHARE = 0.02

export interface Answer<T = unknown> {
  status: number
  body: T
}

/** The REST API as a program uses it. */
export class Api extends ApiClient<Response, Uint8Array<ArrayBuffer> | ReadableStream> {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>

  constructor(url: string, headers: Readonly<Record<string, string>>) {
    super(
      {
        send: ({ path, ...request }) =>
          fetch(`${url}${path}`, {
            ...request,
            headers: { ...headers, ...request.headers },
            duplex: 'half',
          } as RequestInit),
      },
      (name) => ADMIN_ROUTES[name],
    )
    this.url = url
    this.headers = headers
  }

  static withKey(url: string, key: string): Api {
    return new Api(url, { authorization: `Bearer ${key}` })
  }

  /** Sends a request that need not be one of the contract's. Returns the answer, whatever its status. */
  async request<T = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<T> & { headers: Headers }> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        ...this.headers,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      redirect: 'manual',
    })
    return {
      status: response.status,
      body: jsonOrText(await response.text()) as T,
      headers: response.headers,
    }
  }

  async host(name: string): Promise<HostView> {
    return (await this.call('showHost', { params: { host: name } })).host
  }

  /** Adds a host and waits until its installation has ended. */
  async addHost(host: NewHostInput, timeoutMs?: number): Promise<CommandView> {
    const { commandId } = await this.call('addHost', { body: host })
    return this.ended(commandId, timeoutMs)
  }

  async run(request: NewRunInput): Promise<CommandView[]> {
    return (await this.call('run', { body: request })).commands
  }

  /** Uploads content. Returns its hash. */
  async addContent(content: Uint8Array | Readable): Promise<string> {
    const body =
      content instanceof Readable ? (Readable.toWeb(content) as ReadableStream) : new Uint8Array(content)
    return (await this.upload('addContent', body)).sha256
  }

  async command(id: string): Promise<CommandView> {
    return (await this.call('showCommand', { params: { id } })).command
  }

  /** Waits until a command has ended, through restarts of the server. */
  async ended(id: string, timeoutMs = 120_000): Promise<CommandView> {
    return this.until(id, (command) => FINAL.has(command.state), timeoutMs)
  }

  async until(
    id: string,
    isReached: (command: CommandView) => boolean,
    timeoutMs = 60_000,
  ): Promise<CommandView> {
    const startedAt = Date.now()
    const deadline = startedAt + timeoutMs
    const pauseMs = () => Math.min(MAX_POLL_MS, Math.max(MIN_POLL_MS, (Date.now() - startedAt) * POLL_SHARE))
    for (let last: unknown; ; await delay(pauseMs())) {
      try {
        const command = await this.command(id)
        if (isReached(command)) return command
        last = command
      } catch (error) {
        last = error
      }
      if (Date.now() > deadline)
        throw new Error(
          `command ${id} did not get there in ${timeoutMs} ms; last seen: ${last instanceof Error ? last.message : JSON.stringify(last)}`,
        )
    }
  }

  /** All stored output in order. */
  async output(id: string): Promise<{ stream: 'stdout' | 'stderr'; offset: number; data: Buffer }[]> {
    const chunks: { stream: 'stdout' | 'stderr'; offset: number; data: Buffer }[] = []
    for (let offset = 0; ; ) {
      const page = await this.call('readOutput', { params: { id }, query: { offset } })
      if (page.chunks.length === 0) return chunks
      chunks.push(...page.chunks.map((chunk) => ({ ...chunk, data: Buffer.from(chunk.data, 'base64') })))
      offset = page.nextOffset
    }
  }

  /** All stored output as text, both streams as they were interleaved. */
  async text(id: string): Promise<string> {
    return Buffer.concat((await this.output(id)).map((chunk) => chunk.data)).toString('utf8')
  }
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
