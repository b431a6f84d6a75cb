import { createHash, createHmac, hash, randomBytes } from 'node:crypto'
import { RollcallError } from '@rollcall/contracts'
import {
  CHALLENGE_HEADER,
  parseChallenge,
  RequestSigner,
  SIGNATURE_HEADER,
  type SignedBody,
  type SigningPorts,
  TOKEN_HEADER,
} from '@rollcall/contracts/agent'
import { Client } from 'undici'
import type { AgentAddress } from './agent-address.ts'
import { alwaysChallenged, refusedBy } from './agent-answer.ts'
import type { AgentConnector } from './agent-connector.ts'
import { type Answer, AnswerReader, type Deadline, withDeadline } from './http-exchange.ts'

/** Longer than the longest interval between two calls of one agent, shorter than the agent's own limit. */
const KEEP_ALIVE_MS = 100_000

/** Each kind of request has its own limit, so that a call never waits behind a long poll. */
export type RequestKind = 'polls' | 'calls' | 'transfers'

/**
 * Requests of each kind that run at once to one agent; further ones wait behind their own kind. A host runs 64 commands by
 * default, each followed by one poll.
 */
const MAX_REQUESTS: Record<RequestKind, number> = { polls: 64, calls: 4, transfers: 3 }

interface Line {
  client: Client
  /** Requests on it, running or waiting, by kind. */
  load: Record<RequestKind, number>
}

export interface RequestBody {
  type: string
  content: SignedBody
}

/** A request with what bounds its answer. */
interface Exchange extends RequestBody {
  maxBytes: number
  deadline: Deadline
}

export interface ExchangeLimits {
  maxBytes: number
  timeoutMs: number
  signal: AbortSignal | undefined
}

/**
 * Keep-alive connections to one agent: one as long as one suffices, more while several requests run at once. Both sides are
 * known by pin, and no byte of a request, so no token, is sent before the agent's pin was checked on that very connection.
 * Not undici's own pool, which takes 16 KB for its queue even when it is idle.
 */
export class AgentTransport {
  private readonly lines: Line[] = []
  private readonly running: Record<RequestKind, number> = { polls: 0, calls: 0, transfers: 0 }
  private readonly signer: RequestSigner
  private readonly origin: string
  private readonly connect: ReturnType<AgentConnector>
  /** The last request that ended was not answered: then the next connection is tried in the cheapest way. */
  private isInDoubt = false

  constructor(
    private readonly address: AgentAddress,
    connector: AgentConnector,
  ) {
    this.signer = new RequestSigner(signingPorts(address.secretKey))
    // A URL has no room for the zone of a link-local address, and a Host header none either: it is dialled, not written.
    const [bare = ''] = address.host.split('%')
    this.origin = `https://${bare.includes(':') ? `[${bare}]` : bare}:${address.port}`
    const dial = connector(address, () => this.isInDoubt)
    this.connect = (options, callback) => dial({ ...options, hostname: address.host }, callback)
  }

  /** Sends one signed request and resolves to the text of its answer. Throws `agent.*`, or the reason of `signal`. */
  async exchange(
    kind: RequestKind,
    body: RequestBody,
    { maxBytes, timeoutMs, signal }: ExchangeLimits,
  ): Promise<string> {
    try {
      const { statusCode, text } = await withDeadline(timeoutMs, signal, (deadline) =>
        this.sendOnLine(kind, { ...body, maxBytes, deadline }),
      )
      if (statusCode !== 200) throw refusedBy(statusCode)
      this.isInDoubt = false
      return text
    } catch (error) {
      // An abort says nothing of the agent.
      if (error instanceof RollcallError) this.isInDoubt = error.code === 'agent.unreachable'
      throw error
    }
  }

  /** Closes all connections: `destroy` ends at once, with what is under way; `close` when that has ended. */
  async close(how: 'destroy' | 'close'): Promise<void> {
    await Promise.all(this.lines.map(({ client }) => client[how]()))
  }

  private async sendOnLine(kind: RequestKind, exchange: Exchange): Promise<Answer> {
    const line = this.take(kind)
    line.load[kind] += 1
    this.running[kind] += 1
    try {
      return await this.send(line.client, exchange)
    } finally {
      line.load[kind] -= 1
      this.running[kind] -= 1
    }
  }

  /** Returns a connection that is free, a new one, or where the kind is at its limit the one with the fewest of its kind. */
  private take(kind: RequestKind): Line {
    if (this.running[kind] >= MAX_REQUESTS[kind])
      return this.lines
        .filter(({ load }) => load[kind] > 0)
        .reduce((least, line) => (line.load[kind] < least.load[kind] ? line : least))
    const free = this.lines.find(({ load }) => load.polls + load.calls + load.transfers === 0)
    if (free) return free
    const line = { client: this.open(), load: { polls: 0, calls: 0, transfers: 0 } }
    this.lines.push(line)
    return line
  }

  private open(): Client {
    return new Client(this.origin, {
      connect: this.connect,
      pipelining: 1,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
      // Each request carries its own deadline.
      headersTimeout: 0,
      bodyTimeout: 0,
    })
  }

  /** Signs again, once, where the agent says by which time: at the first request to each life of it, and when clocks drift. */
  private async send(client: Client, exchange: Exchange): Promise<Answer> {
    const first = await this.sendOnce(client, exchange)
    const challenge = challengeOf(first)
    if (!challenge) return first
    this.signer.learn(challenge)
    const second = await this.sendOnce(client, exchange)
    if (!challengeOf(second)) return second
    throw alwaysChallenged()
  }

  private sendOnce(client: Client, { type, content, maxBytes, deadline }: Exchange): Promise<Answer> {
    const path = `/${this.address.path}/rpc`
    const signed = { method: 'POST', path, agentPin: this.address.certificatePin }
    const headers = {
      'content-type': type,
      [TOKEN_HEADER]: this.address.token,
      [SIGNATURE_HEADER]: this.signer.sign(content, signed),
      ...contentLength(content),
    }
    return new Promise((resolve, reject) => {
      // Pieces are sent one after the other, where one buffer would be copied together with the headers. undici takes whatever can be
      // iterated; its types do not say so.
      const request = { method: 'POST' as const, path, headers, body: content as string }
      client.dispatch(request, new AnswerReader(maxBytes, deadline, resolve, reject))
    })
  }
}

/** Gives undici the length of pieces; that of text it measures itself. */
const contentLength = (content: SignedBody) =>
  typeof content === 'string'
    ? {}
    : { 'content-length': String(content.reduce((sum, { length }) => sum + length, 0)) }

/** An agent that challenges has done nothing else. */
const challengeOf = ({ statusCode, headers }: Answer) =>
  statusCode === 401 ? parseChallenge(String(headers[CHALLENGE_HEADER] ?? '')) : null

/** Signs with an agent's secret key, by a clock that cannot be set. The key is used here and sent nowhere. */
const signingPorts = (secretKey: string): SigningPorts => ({
  hmac: (text) => createHmac('sha256', secretKey).update(text).digest('base64url'),
  digest,
  monotonicMs: () => performance.now(),
  randomName: () => randomBytes(9).toString('base64url'),
})

function digest(body: SignedBody): string {
  if (typeof body === 'string') return hash('sha256', body, 'base64url')
  const whole = createHash('sha256')
  for (const piece of body) whole.update(piece)
  return whole.digest('base64url')
}
