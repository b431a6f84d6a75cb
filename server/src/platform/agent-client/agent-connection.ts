import { fieldErrors, RollcallError } from '@rollcall/contracts'
import {
  AGENT_METHODS,
  type AgentMethodName,
  type AgentParamsInput,
  type AgentResult,
  ENVELOPE_TYPE,
  envelopeHead,
} from '@rollcall/contracts/agent'
import { Client } from 'undici'
import type { AgentAddress } from './agent-address.ts'
import { invalidAnswer, refusedBy, unwrap } from './agent-answer.ts'
import type { AgentConnector } from './agent-connector.ts'
import { withDeadline } from './deadline.ts'
import { Lines, type LineUse } from './lines.ts'
import { type Body, SignedRequests } from './signed-requests.ts'

/** Longer than the longest interval between two calls of one agent, shorter than the agent's own limit. */
const KEEP_ALIVE_MS = 100_000
/** A host runs at most this many commands by default, and each is followed by one poll. */
const MAX_POLLS = 64
const MAX_CALLS = 4
/** Content of files on its way to one agent at once. */
const MAX_TRANSFERS = 3
/** Above the largest piece of output of the contract in base64, and above every other answer. */
const MAX_LOG_BYTES = 8 * 1024 * 1024
const MAX_ANSWER_BYTES = 3 * 1024 * 1024

/** One call of several that go out together. */
export type AgentCall<N extends AgentMethodName = AgentMethodName> = N extends AgentMethodName
  ? { method: N; params: AgentParamsInput<N> }
  : never

interface ExchangeLimits {
  maxBytes: number
  timeoutMs: number
  signal: AbortSignal | undefined
}

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
  private readonly requests: SignedRequests
  private lastId = 0
  /** True if the last call was not answered: then the next connection is tried in the cheapest way. */
  private isInDoubt = false

  constructor(
    readonly address: AgentAddress,
    connector: AgentConnector,
  ) {
    // A URL has no room for the zone of a link-local address, and a Host header none either: it is dialled, not written.
    const [bare = ''] = address.host.split('%')
    const host = bare.includes(':') ? `[${bare}]` : bare
    const dial = connector(address, () => this.isInDoubt)
    const connect: typeof dial = (options, callback) => dial({ ...options, hostname: address.host }, callback)
    this.requests = new SignedRequests(address)
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
      { polls: MAX_POLLS, calls: MAX_CALLS, transfers: MAX_TRANSFERS },
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
    return toResult(name, unwrap(json, id))
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
      return toOutcome(() => toResult(method, unwrap(answer, id)))
    }) as OutcomesOf<C>
  }

  /** As `call`, with bytes beside the parameters, which go out as they are. */
  async callWithBytes<N extends AgentMethodName>(
    name: N,
    params: AgentParamsInput<N>,
    bytes: Uint8Array,
    signal?: AbortSignal,
  ): Promise<AgentResult<N>> {
    const id = ++this.lastId
    const head = envelopeHead(JSON.stringify({ jsonrpc: '2.0', id, method: name, params }))
    const body = { type: ENVELOPE_TYPE, content: [head, bytes] }
    const { timeoutMs } = AGENT_METHODS[name]
    const json = await this.exchange('transfers', body, { maxBytes: MAX_ANSWER_BYTES, timeoutMs, signal })
    return toResult(name, unwrap(json, id))
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
    const body = { type: 'application/json', content: JSON.stringify(request) }
    const maxBytes = methods.includes('get_command_log') ? MAX_LOG_BYTES : MAX_ANSWER_BYTES
    return this.exchange(waitMs > 0 ? 'polls' : 'calls', body, { maxBytes, timeoutMs, signal })
  }

  private async exchange(use: LineUse, body: Body, limits: ExchangeLimits): Promise<unknown> {
    const { maxBytes, timeoutMs, signal } = limits
    try {
      const { statusCode, text } = await withDeadline(timeoutMs, signal, (deadline) =>
        this.lines.use(use, (client) => this.requests.send(client, body, maxBytes, deadline)),
      )
      if (statusCode !== 200) throw refusedBy(statusCode)
      this.isInDoubt = false
      return parseAnswer(text)
    } catch (error) {
      // That we were told to stop tells nothing of the agent.
      if (error instanceof RollcallError) this.isInDoubt = error.code === 'agent.unreachable'
      throw error
    }
  }
}

function parseAnswer(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw invalidAnswer('its answer is not JSON', cause)
  }
}

/** How long a call asks the agent to wait for news, in milliseconds. */
const waitOf = (params: object): number =>
  'wait_ms' in params && typeof params.wait_ms === 'number' ? params.wait_ms : 0

function toOutcome<T>(work: () => T): T | RollcallError {
  try {
    return work()
  } catch (error) {
    if (error instanceof RollcallError) return error
    throw error
  }
}

function toResult<N extends AgentMethodName>(name: N, value: unknown): AgentResult<N> {
  const result = AGENT_METHODS[name].result.safeParse(value)
  if (result.success) return result.data as AgentResult<N>
  const fields = fieldErrors(result.error.issues, 'result')
  throw invalidAnswer(
    `its answer to ${name} does not fit the contract: ${fields.map((f) => `${f.field} ${f.message}`).join('; ')}`,
  )
}
