import { fieldErrors, RollcallError } from '@rollcall/contracts'
import {
  AGENT_METHODS,
  type AgentMethodName,
  type AgentParamsInput,
  type AgentResult,
  ENVELOPE_TYPE,
  envelopeHead,
} from '@rollcall/contracts/agent'
import type { AgentAddress } from './agent-address.ts'
import { invalidAnswer, unwrap } from './agent-answer.ts'
import type { AgentConnector } from './agent-connector.ts'
import { AgentTransport } from './agent-transport.ts'

/** Above the largest piece of output of the contract in base64, and above every other answer. */
const MAX_LOG_BYTES = 8 * 1024 * 1024
const MAX_ANSWER_BYTES = 3 * 1024 * 1024

/** One of the calls of a batch. */
export type AgentCall<N extends AgentMethodName = AgentMethodName> = N extends AgentMethodName
  ? { method: N; params: AgentParamsInput<N> }
  : never

export interface CallLimits {
  signal?: AbortSignal | undefined
  /** In place of the time that the contract gives, which includes what the call asks the agent to wait. */
  timeoutMs?: number | undefined
}

/** For each call its result, or why it has none. */
export type OutcomesOf<C extends readonly AgentCall[]> = {
  [I in keyof C]: AgentResult<C[I]['method']> | RollcallError
}

/** Calls one agent, in JSON-RPC. Results are parsed by the contract. */
export class AgentConnection {
  private readonly transport: AgentTransport
  private lastId = 0

  constructor(
    readonly address: AgentAddress,
    connector: AgentConnector,
  ) {
    this.transport = new AgentTransport(address, connector)
  }

  /**
   * Makes one call, tried once; `bytes` go out beside its parameters, as they are. Throws `agent.unreachable` (try again),
   * `agent.credentials_refused`, `agent.identity_changed`, `agent.invalid_answer`, or what the agent itself said.
   */
  async call<N extends AgentMethodName>(
    method: N,
    params: AgentParamsInput<N>,
    limits: CallLimits & { bytes?: Uint8Array | undefined } = {},
  ): Promise<AgentResult<N>> {
    const request = { jsonrpc: '2.0', id: ++this.lastId, method, params }
    return toResult(method, unwrap(await this.send(request, [{ method, params }], limits), request.id))
  }

  /**
   * Makes several calls in one request, as a JSON-RPC batch, tried once; the agent answers when all are done. Resolves to the
   * result or error of each. Throws as `call` does where the request as a whole failed.
   */
  async batch<const C extends readonly AgentCall[]>(
    calls: C,
    limits: CallLimits = {},
  ): Promise<OutcomesOf<C>> {
    const requests = calls.map(({ method, params }) => ({
      jsonrpc: '2.0',
      id: ++this.lastId,
      method,
      params,
    }))
    const json = await this.send(requests, calls, limits)
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

  /** Ends at once, with what is under way. */
  close(): Promise<void> {
    return this.transport.close('destroy')
  }

  /** Takes no more calls and ends when those under way have ended. */
  retire(): Promise<void> {
    return this.transport.close('close')
  }

  private async send(
    request: object,
    calls: readonly { method: AgentMethodName; params: object }[],
    { signal, timeoutMs, bytes }: CallLimits & { bytes?: Uint8Array | undefined },
  ): Promise<unknown> {
    const waitMs = Math.max(...calls.map(({ params }) => waitOf(params)))
    const kind = bytes ? 'transfers' : waitMs > 0 ? 'polls' : 'calls'
    const json = JSON.stringify(request)
    const body = bytes
      ? { type: ENVELOPE_TYPE, content: [envelopeHead(json), bytes] }
      : { type: 'application/json', content: json }
    const text = await this.transport.exchange(kind, body, {
      maxBytes: calls.some(({ method }) => method === 'get_command_log') ? MAX_LOG_BYTES : MAX_ANSWER_BYTES,
      timeoutMs:
        timeoutMs ?? Math.max(...calls.map(({ method }) => AGENT_METHODS[method].timeoutMs)) + waitMs,
      signal,
    })
    return parseAnswer(text)
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
