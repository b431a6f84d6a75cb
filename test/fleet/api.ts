import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import type {
  AdminResponse,
  CommandView,
  HostView,
  NewHostInput,
  NewRunInput,
} from '@rollcall/contracts/admin'

const FINAL = new Set(['success', 'failed', 'timed_out', 'cancelled', 'lost'])
const POLL_MS = 100

export interface Answer<T = unknown> {
  status: number
  body: T
}

/** The REST API as a program uses it. */
export class Api {
  readonly url: string
  readonly key: string

  constructor(url: string, key: string) {
    this.url = url
    this.key = key
  }

  async call<T>(method: string, path: string, body?: unknown): Promise<Answer<T>> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.key}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    return { status: response.status, body: (await response.json()) as T }
  }

  /** The body of an answer that must be a success. */
  async get<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await this.call<T>(method, path, body)
    if (answer.status >= 300)
      throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`)
    return answer.body
  }

  async host(name: string): Promise<HostView> {
    return (await this.get<{ host: HostView }>('GET', `/api/hosts/${name}`)).host
  }

  /** Adds a host and waits until its installation has ended. */
  async addHost(host: NewHostInput, timeoutMs?: number): Promise<CommandView> {
    const { commandId } = await this.get<{ commandId: string }>('POST', '/api/hosts', host)
    return this.ended(commandId, timeoutMs)
  }

  async run(request: NewRunInput): Promise<CommandView[]> {
    return (await this.get<{ commands: CommandView[] }>('POST', '/api/runs', request)).commands
  }

  /** Hands content over to the server, which tells its hash. */
  async addContent(content: Uint8Array | Readable): Promise<string> {
    const response = await fetch(`${this.url}/api/contents`, {
      method: 'POST',
      headers: { authorization: `Bearer ${this.key}`, 'content-type': 'application/octet-stream' },
      body:
        content instanceof Readable ? (Readable.toWeb(content) as ReadableStream) : new Uint8Array(content),
      duplex: 'half',
    } as RequestInit)
    if (response.status !== 201) throw new Error(`the content was not taken: ${await response.text()}`)
    return ((await response.json()) as AdminResponse<'addContent'>).sha256
  }

  async command(id: string): Promise<CommandView> {
    return (await this.get<{ command: CommandView }>('GET', `/api/commands/${id}`)).command
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
    const deadline = Date.now() + timeoutMs
    for (let last: unknown; ; await delay(POLL_MS)) {
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
      const page = await this.get<{
        chunks: { stream: 'stdout' | 'stderr'; offset: number; data: string }[]
        nextOffset: number
      }>('GET', `/api/commands/${id}/output?offset=${offset}`)
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
