import { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { fieldErrors, isErrorCode, RollcallError, sanitizeText } from '@rollcall/contracts'
import {
  AGENT_METHODS,
  type AgentMethodName,
  type AgentParamsInput,
  type AgentResult,
  RPC_ERROR,
  TOKEN_HEADER,
} from '@rollcall/contracts/agent'
import { buildConnector, Pool } from 'undici'
import { z } from 'zod'
import { pinOf } from '../crypto/certificates.ts'

/** How to reach an agent and how to know it: secrets in the clear, so it stays in memory. */
export interface AgentAddress {
  host: string
  port: number
  path: string
  token: string
  /** The pin of the one certificate that is accepted. */
  certificatePin: string
}

export interface ClientIdentity {
  certificatePem: string
  privateKeyPem: string
}

const CONNECT_TIMEOUT_MS = 10_000
/** Longer than the longest interval between two calls of one agent, shorter than the agent's own limit. */
const KEEP_ALIVE_MS = 100_000
/** A host runs at most this many commands by default, and each is followed by one poll. */
const MAX_POLLS = 64
const MAX_CALLS = 4
/** Above the largest answer of the contract in base64. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024

const rpcAnswer = z.union([
  z.object({
    jsonrpc: z.literal('2.0'),
    id: z.number(),
    result: z.unknown().refine((result) => result !== undefined),
  }),
  z.object({
    jsonrpc: z.literal('2.0'),
    id: z.number().nullable(),
    error: z.object({
      code: z.number(),
      message: z.string().max(4000),
      data: z
        .object({ code: z.string().optional(), outcome: z.enum(['not-applied', 'unknown']).optional() })
        .optional(),
    }),
  }),
])

/**
 * Keep-alive connections to one agent. Both sides are known by pin, and no byte of a request, so no token, is sent
 * before the agent's pin was checked on that very connection.
 */
export class AgentConnection {
  /** Long polls wait on connections of their own, so that nothing else ever waits behind them. */
  private readonly polls: Pool
  private readonly calls: Pool
  private lastId = 0

  constructor(
    private readonly address: AgentAddress,
    identity: ClientIdentity,
  ) {
    const host = address.host.includes(':') ? `[${address.host}]` : address.host
    const poolOf = (connections: number) =>
      new Pool(`https://${host}:${address.port}`, {
        connect: pinnedConnector(address.certificatePin, identity),
        connections,
        pipelining: 1,
        keepAliveTimeout: KEEP_ALIVE_MS,
        keepAliveMaxTimeout: KEEP_ALIVE_MS,
        // Each call carries its own deadline.
        headersTimeout: 0,
        bodyTimeout: 0,
      })
    this.polls = poolOf(MAX_POLLS)
    this.calls = poolOf(MAX_CALLS)
  }

  /**
   * One call, tried once. Errors: `agent.unreachable` (try again), `agent.credentials_refused`,
   * `agent.identity_changed`, `agent.invalid_answer`, or what the agent itself said.
   */
  async call<N extends AgentMethodName>(
    name: N,
    params: AgentParamsInput<N>,
    signal?: AbortSignal,
  ): Promise<AgentResult<N>> {
    const method = AGENT_METHODS[name]
    const id = ++this.lastId
    const waitMs = 'wait_ms' in params && typeof params.wait_ms === 'number' ? params.wait_ms : 0
    const pool = waitMs > 0 ? this.polls : this.calls
    const body = JSON.stringify({ jsonrpc: '2.0', id, method: name, params })
    const text = await withDeadline(method.timeoutMs + waitMs, signal, (either) =>
      this.post(pool, body, either),
    )
    const result = method.result.safeParse(unwrap(text, id))
    if (!result.success) {
      const fields = fieldErrors(result.error.issues, 'result')
      throw invalidAnswer(
        `its answer to ${name} does not fit the contract: ${fields.map((f) => `${f.field} ${f.message}`).join('; ')}`,
      )
    }
    return result.data as AgentResult<N>
  }

  /** Ends at once, with what is under way. */
  async close(): Promise<void> {
    await Promise.all([this.polls.destroy(), this.calls.destroy()])
  }

  /** Takes no more calls and ends when those under way have ended. */
  async retire(): Promise<void> {
    await Promise.all([this.polls.close(), this.calls.close()])
  }

  private async post(pool: Pool, body: string, signal: AbortSignal): Promise<string> {
    try {
      const response = await pool.request({
        method: 'POST',
        path: `/${this.address.path}/rpc`,
        headers: { 'content-type': 'application/json', [TOKEN_HEADER]: this.address.token },
        body,
        signal,
      })
      if (response.statusCode !== 200) {
        await response.body.dump({ limit: 1024 })
        throw refusedBy(response.statusCode)
      }
      return await readBounded(response.body)
    } catch (error) {
      throw asCallError(error)
    }
  }
}

/** Aborts `work` after `ms` milliseconds or with `signal`. A timer of our own: nothing may collect it before its time. */
async function withDeadline<T>(
  ms: number,
  signal: AbortSignal | undefined,
  work: (either: AbortSignal) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted()
  const either = new AbortController()
  const follow = () => either.abort(signal?.reason)
  signal?.addEventListener('abort', follow, { once: true })
  const timer = setTimeout(() => either.abort(new DOMException('no answer in time', 'TimeoutError')), ms)
  try {
    return await work(either.signal)
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', follow)
  }
}

function pinnedConnector(pin: string, identity: ClientIdentity): buildConnector.connector {
  const connect = buildConnector({
    cert: identity.certificatePem,
    key: identity.privateKeyPem,
    minVersion: 'TLSv1.3',
    // The certificate is self-signed and known by its pin, which is checked below before the socket is handed out.
    rejectUnauthorized: false,
    // A resumed session would show no certificate to check.
    maxCachedSessions: 0,
    timeout: CONNECT_TIMEOUT_MS,
  })
  return (options, callback) =>
    connect(options, (...[error, socket]: Parameters<buildConnector.Callback>) => {
      if (error) return callback(error, null)
      const seen = pinSeen(socket as TLSSocket)
      if (seen === pin) return callback(null, socket)
      socket.destroy()
      callback(
        new RollcallError(
          'agent.identity_changed',
          `Something else answers on the agent's port: expected the certificate pin ${pin}, saw ${seen ?? 'none'}. Nothing was sent to it. If the host was rebuilt, install it again; otherwise find out who answers there.`,
        ),
        null,
      )
    })
}

function pinSeen(socket: TLSSocket): string | undefined {
  if (socket.isSessionReused()) return undefined
  const certificate = socket.getPeerX509Certificate()
  return certificate && pinOf(new X509Certificate(certificate.raw))
}

/** An agent speaks of commands and of itself; what it says of anything else is not believed. */
const MAY_BE_SAID_BY_AGENT = /^(command\.|request\.|agent\.(overloaded|method_unknown)$)/

function unwrap(text: string, id: number): unknown {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw invalidAnswer('its answer is not JSON', cause)
  }
  const answer = rpcAnswer.safeParse(json)
  if (!answer.success) throw invalidAnswer('its answer is not a JSON-RPC answer')
  if ('error' in answer.data) throw errorOf(answer.data.error)
  if (answer.data.id !== id) throw invalidAnswer('its answer carries the id of another call')
  return answer.data.result
}

function errorOf(error: {
  code: number
  message: string
  data?: { code?: string | undefined; outcome?: 'not-applied' | 'unknown' | undefined } | undefined
}): RollcallError {
  const code = error.data?.code
  if (isErrorCode(code) && MAY_BE_SAID_BY_AGENT.test(code))
    return new RollcallError(code, sanitizeText(error.message, 2000), {
      ...(error.data?.outcome && { outcome: error.data.outcome }),
    })
  if (error.code === RPC_ERROR.methodNotFound)
    return new RollcallError(
      'agent.method_unknown',
      'The agent does not know this method: it is of an older release. Install it again.',
    )
  return invalidAnswer(`it answered with error ${error.code}: ${error.message}`)
}

function refusedBy(statusCode: number): RollcallError {
  if (statusCode >= 500)
    return new RollcallError('agent.unreachable', `The agent answered with HTTP ${statusCode}.`, {
      outcome: 'unknown',
    })
  return new RollcallError(
    'agent.credentials_refused',
    `The agent refused our credentials (HTTP ${statusCode}). Install it again with the same identity to mend its configuration.`,
  )
}

async function readBounded(body: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of body) {
    size += part.length
    if (size > MAX_ANSWER_BYTES) throw invalidAnswer(`its answer is larger than ${MAX_ANSWER_BYTES} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

const invalidAnswer = (what: string, cause?: unknown) =>
  new RollcallError(
    'agent.invalid_answer',
    `The agent does not behave as one of ours: ${sanitizeText(what, 1000)}.`,
    {
      // It was asked, and what it did we do not know.
      outcome: 'unknown',
      cause,
    },
  )

/** Before a connection stands nothing can have happened on the host; after that we cannot know. */
const NOT_CONNECTED = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
])

function asCallError(error: unknown): unknown {
  if (error instanceof RollcallError) return error
  if (error instanceof Error && error.name === 'AbortError') return error
  const { name, code, message } = error as { name?: string; code?: string | number; message: string }
  const what =
    name === 'TimeoutError' ? 'it did not answer in time' : sanitizeText(String(code ?? message), 200)
  return new RollcallError('agent.unreachable', `The agent does not answer: ${what}.`, {
    outcome: typeof code === 'string' && NOT_CONNECTED.has(code) ? 'not-applied' : 'unknown',
    cause: error,
  })
}
