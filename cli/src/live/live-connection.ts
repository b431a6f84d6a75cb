import { on, once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { LiveEvent, LiveRequest } from '@rollcall/contracts/admin'
import { liveEvent } from '@rollcall/contracts/admin/live/schemas'
import { ApiError, InvalidAnswerError, UnreachableError } from '@rollcall/contracts/client'
import type { WebSocket } from 'ws'
import { toConnectionError, toUrl } from '../api/client.ts'
import type { ServerAddress } from '../api/find-server.ts'

const HANDSHAKE_TIMEOUT_MS = 10_000
/** A connection that shows no sign of life between two pings is dead, whatever TCP believes. */
const PING_INTERVAL_MS = 20_000
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024
/** Events that wait to be written out before the server is made to wait. */
const HIGH_WATER_EVENTS = 64
const LOW_WATER_EVENTS = 16
const MAX_REFUSAL_BYTES = 4096

const KNOWN_TYPES = new Set(liveEvent.options.map((option) => option.shape.type.value as string))

/** One WebSocket to `/ws`. */
export class LiveConnection {
  private readonly socket: WebSocket
  private readonly server: ServerAddress
  private readonly pinging: NodeJS.Timeout

  private constructor(socket: WebSocket, server: ServerAddress) {
    this.socket = socket
    this.server = server
    let isAlive = true
    for (const sign of ['message', 'ping', 'pong'])
      socket.on(sign, () => {
        isAlive = true
      })
    this.pinging = setInterval(() => {
      // A connection that we hold back ourselves cannot show life.
      if (socket.isPaused) return
      if (!isAlive) return socket.terminate()
      isAlive = false
      socket.ping()
    }, PING_INTERVAL_MS)
    socket.on('close', () => clearInterval(this.pinging))
  }

  /** Throws `ApiError` when the server refused the connection, `UnreachableError` when it did not answer. */
  static async open(server: ServerAddress, signal: AbortSignal): Promise<LiveConnection> {
    const url = toUrl(server.url, '/ws')
    url.protocol = url.protocol.replace('http', 'ws')
    // Most commands need no live connection, and no start of theirs should pay for it.
    const { WebSocket } = await import('ws')
    const socket = new WebSocket(url, {
      headers: { authorization: `Bearer ${server.apiKey}` },
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      maxPayload: MAX_MESSAGE_BYTES,
      perMessageDeflate: false,
    })
    const refused = new Promise<never>((_resolve, reject) => {
      socket.on('unexpected-response', (request, response) => {
        toRefusal(response).then(reject, reject)
        response.on('close', () => request.destroy())
      })
    })
    try {
      await Promise.race([once(socket, 'open', { signal }), refused])
    } catch (error) {
      refused.catch(() => undefined)
      socket.on('error', () => undefined)
      socket.terminate()
      signal.throwIfAborted()
      throw toConnectionError(server, error)
    }
    return new LiveConnection(socket, server)
  }

  send(request: LiveRequest): void {
    if (this.socket.readyState === this.socket.OPEN) this.socket.send(JSON.stringify(request))
  }

  /** Yields events until the connection ends. A slow reader makes the server wait. Throws `UnreachableError` if it broke. */
  async *events(signal: AbortSignal): AsyncGenerator<LiveEvent> {
    const messages = on(this.socket, 'message', {
      close: ['close'],
      highWaterMark: HIGH_WATER_EVENTS,
      lowWaterMark: LOW_WATER_EVENTS,
      signal,
    })
    try {
      for await (const [data] of messages) {
        const event = parseEvent(String(data))
        if (event) yield event
      }
    } catch (error) {
      signal.throwIfAborted()
      throw toConnectionError(this.server, error)
    }
  }

  close(): void {
    clearInterval(this.pinging)
    this.socket.on('error', () => undefined)
    this.socket.terminate()
  }
}

/** Undefined for a kind of event that a newer server may send: it cannot concern us. */
function parseEvent(text: string): LiveEvent | undefined {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw new UnreachableError('The server sent something that is not JSON.', { cause })
  }
  const type = (json as { type?: unknown } | null)?.type
  if (typeof type === 'string' && !KNOWN_TYPES.has(type)) return undefined
  const parsed = liveEvent.safeParse(json)
  if (parsed.success) return parsed.data
  throw new InvalidAnswerError(0, [], parsed.error)
}

async function toRefusal(response: IncomingMessage): Promise<ApiError> {
  let text = ''
  for await (const chunk of response) {
    text += chunk
    if (text.length > MAX_REFUSAL_BYTES) break
  }
  const status = response.statusCode ?? 0
  const message = text.slice(0, MAX_REFUSAL_BYTES).trim() || 'The server refused the live connection.'
  if (status >= 500 || status === 429) return new UnreachableError(message)
  const code = { 401: 'request.unauthenticated', 403: 'request.forbidden', 404: 'request.not_found' }[status]
  return new ApiError(message, { kind: 'rejected', code: code ?? `HTTP ${status}` })
}
