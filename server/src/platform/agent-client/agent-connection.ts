import { hash } from 'node:crypto'
import { createSecureContext, type TLSSocket } from 'node:tls'
import { fieldErrors, isErrorCode, RollcallError, sanitizeText } from '@rollcall/contracts'
import {
  AGENT_METHODS,
  type AgentMethodName,
  type AgentParamsInput,
  type AgentResult,
  RPC_ERROR,
  TOKEN_HEADER,
} from '@rollcall/contracts/agent'
import { buildConnector, Client } from 'undici'
import { z } from 'zod'
import { pinOf } from '../crypto/certificates.ts'
import { Lines } from './lines.ts'

/** How to reach an agent and how to know it: secrets in the clear, so it stays in memory. */
export interface AgentAddress {
  host: string
  port: number
  path: string
  token: string
  /** The pin of the one key that is accepted. */
  certificatePin: string
  /** SHA-256 of the DER certificate that the agent was given, in base64: one that is the same byte for byte has the key. */
  certificateDigest?: string
}

const CONNECT_TIMEOUT_MS = 10_000
/** Longer than the longest interval between two calls of one agent, shorter than the agent's own limit. */
const KEEP_ALIVE_MS = 100_000
/** A host runs at most this many commands by default, and each is followed by one poll. */
const MAX_POLLS = 64
const MAX_CALLS = 4
/** Above the largest piece of output of the contract in base64, and above every other answer. */
const MAX_LOG_BYTES = 8 * 1024 * 1024
const MAX_ANSWER_BYTES = 3 * 1024 * 1024

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

/** One call of several that go out together. */
export type AgentCall<N extends AgentMethodName = AgentMethodName> = N extends AgentMethodName
  ? { method: N; params: AgentParamsInput<N> }
  : never

/** For each call its result, or why it has none. */
export type OutcomesOf<C extends readonly AgentCall[]> = {
  [I in keyof C]: AgentResult<C[I]['method']> | RollcallError
}

/**
 * Keep-alive connections to one agent. Both sides are known by pin, and no byte of a request, so no token, is sent
 * before the agent's pin was checked on that very connection.
 */
export class AgentConnection {
  private readonly lines: Lines
  private lastId = 0

  constructor(
    readonly address: AgentAddress,
    connector: AgentConnector,
  ) {
    const host = address.host.includes(':') ? `[${address.host}]` : address.host
    const connect = connector(address)
    this.lines = new Lines(
      () =>
        new Client(`https://${host}:${address.port}`, {
          connect,
          pipelining: 1,
          keepAliveTimeout: KEEP_ALIVE_MS,
          keepAliveMaxTimeout: KEEP_ALIVE_MS,
          // Each call carries its own deadline.
          headersTimeout: 0,
          bodyTimeout: 0,
        }),
      { polls: MAX_POLLS, calls: MAX_CALLS },
    )
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
    const id = ++this.lastId
    const waitMs = waitOf(params)
    const json = await this.send({ jsonrpc: '2.0', id, method: name, params }, [name], waitMs, signal)
    return resultOf(name, unwrap(json, id))
  }

  /**
   * Several calls in one request, as a JSON-RPC batch, tried once; the agent answers when all are done. Resolves to each
   * one's result or error; throws where the request as a whole failed. `timeoutMs` cuts the time that the contract gives.
   */
  async callEach<const C extends readonly AgentCall[]>(
    calls: C,
    { timeoutMs, signal }: { timeoutMs?: number; signal?: AbortSignal | undefined } = {},
  ): Promise<OutcomesOf<C>> {
    const requests = calls.map(({ method, params }) => ({
      jsonrpc: '2.0',
      id: ++this.lastId,
      method,
      params,
    }))
    const names = calls.map(({ method }) => method)
    const waitMs = Math.max(...calls.map(({ params }) => waitOf(params)))
    const json = await this.send(requests, names, waitMs, signal, timeoutMs)
    if (!Array.isArray(json) || json.length !== calls.length) {
      // A refusal of the whole is one answer.
      if (!Array.isArray(json)) unwrap(json, undefined)
      throw invalidAnswer(`it did not answer each of ${calls.length} calls`)
    }
    return requests.map(({ id, method }) => {
      const answer = json.find((one) => (one as { id?: unknown } | null)?.id === id)
      if (answer === undefined) throw invalidAnswer('its answer carries the id of another call')
      return outcomeOf(() => resultOf(method, unwrap(answer, id)))
    }) as OutcomesOf<C>
  }

  /** Ends at once, with what is under way. */
  close(): Promise<void> {
    return this.lines.close('destroy')
  }

  /** Takes no more calls and ends when those under way have ended. */
  retire(): Promise<void> {
    return this.lines.close('close')
  }

  private async send(
    request: object,
    methods: AgentMethodName[],
    waitMs: number,
    signal: AbortSignal | undefined,
    timeoutMs = Math.max(...methods.map((name) => AGENT_METHODS[name].timeoutMs)) + waitMs,
  ): Promise<unknown> {
    const body = JSON.stringify(request)
    const maxBytes = methods.includes('get_command_log') ? MAX_LOG_BYTES : MAX_ANSWER_BYTES
    const text = await withDeadline(timeoutMs, signal, (either) =>
      this.lines.use(waitMs > 0 ? 'polls' : 'calls', (client) => this.post(client, body, maxBytes, either)),
    )
    try {
      return JSON.parse(text)
    } catch (cause) {
      throw invalidAnswer('its answer is not JSON', cause)
    }
  }

  private async post(client: Client, body: string, maxBytes: number, signal: AbortSignal): Promise<string> {
    try {
      const response = await client.request({
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
      return await readBounded(response.body, maxBytes)
    } catch (error) {
      throw asCallError(error)
    }
  }
}

/** How long a call asks the agent to wait for news, in milliseconds. */
const waitOf = (params: object): number =>
  'wait_ms' in params && typeof params.wait_ms === 'number' ? params.wait_ms : 0

function outcomeOf<T>(work: () => T): T | RollcallError {
  try {
    return work()
  } catch (error) {
    if (error instanceof RollcallError) return error
    throw error
  }
}

function resultOf<N extends AgentMethodName>(name: N, value: unknown): AgentResult<N> {
  const result = AGENT_METHODS[name].result.safeParse(value)
  if (result.success) return result.data as AgentResult<N>
  const fields = fieldErrors(result.error.issues, 'result')
  throw invalidAnswer(
    `its answer to ${name} does not fit the contract: ${fields.map((f) => `${f.field} ${f.message}`).join('; ')}`,
  )
}

/** Opens connections with the server's certificate, only to agents that show the expected key. */
export type AgentConnector = (expected: ExpectedKey) => buildConnector.connector

type ExpectedKey = Pick<AgentAddress, 'certificatePin' | 'certificateDigest'>

/** Made once for all agents: reading the certificate costs more than a handshake, and what is shared takes no room of theirs. */
export function agentConnector(identity: { certificatePem: string; privateKeyPem: string }): AgentConnector {
  const connect = buildConnector({
    secureContext: createSecureContext({
      cert: identity.certificatePem,
      key: identity.privateKeyPem,
      minVersion: 'TLSv1.3',
    }),
    // The certificate is self-signed and known by its pin, which is checked below before the socket is handed out.
    rejectUnauthorized: false,
    // A resumed session would show no certificate to check.
    maxCachedSessions: 0,
    timeout: CONNECT_TIMEOUT_MS,
  })
  return (expected) => (options, callback) =>
    connect(options, (...[error, socket]: Parameters<buildConnector.Callback>) => {
      if (error) return callback(error, null)
      const pin = expected.certificatePin
      const seen = pinSeen(socket as TLSSocket, expected)
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

function pinSeen(socket: TLSSocket, expected: ExpectedKey): string | undefined {
  if (socket.isSessionReused()) return undefined
  const certificate = socket.getPeerX509Certificate()
  if (!certificate) return undefined
  // Taking the key out of a certificate costs as much as the rest of the handshake; to compare the whole is cheap.
  const isTheOneGiven = digestOf(certificate.raw) === expected.certificateDigest
  return isTheOneGiven ? expected.certificatePin : pinOf(certificate)
}

const digestOf = (der: Buffer) => hash('sha256', der, 'base64')

/** The digest of a certificate, as `AgentAddress` wants it. */
export const certificateDigest = (pem: string) =>
  digestOf(Buffer.from(pem.replace(/-----[A-Z ]+-----/g, ''), 'base64'))

/**
 * Aborts `work` after `ms` milliseconds or with `signal`, and waits no longer: a request that waits for a connection
 * learns of it only when that stands or has failed. A timer of our own: nothing may collect it before its time.
 */
async function withDeadline<T>(
  ms: number,
  signal: AbortSignal | undefined,
  work: (either: AbortSignal) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted()
  const either = new AbortController()
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const end = (reason: unknown) => {
    either.abort(reason)
    reject(asCallError(reason))
  }
  const follow = () => end(signal?.reason)
  signal?.addEventListener('abort', follow, { once: true })
  const timer = setTimeout(() => end(new DOMException('no answer in time', 'TimeoutError')), ms)
  const working = work(either.signal)
  // It may fail after we have stopped waiting for it, and tells nothing new then.
  working.catch(() => undefined)
  try {
    return await Promise.race([working, aborted])
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', follow)
  }
}

/** An agent speaks of commands and of itself; what it says of anything else is not believed. */
const MAY_BE_SAID_BY_AGENT = /^(command\.|request\.|agent\.(overloaded|method_unknown)$)/

/** The result that an answer carries. Without an `id` only its error is of interest. */
function unwrap(json: unknown, id: number | undefined): unknown {
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
  if (statusCode === 400) return invalidAnswer('it says that our request was malformed (HTTP 400)')
  return new RollcallError(
    'agent.credentials_refused',
    `The agent refused our credentials (HTTP ${statusCode}). Install it again with the same identity to mend its configuration.`,
  )
}

async function readBounded(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of body) {
    size += part.length
    if (size > maxBytes) throw invalidAnswer(`its answer is larger than ${maxBytes} bytes`)
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
