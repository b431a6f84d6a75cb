import { fieldErrors, RollcallError } from '@rollcall/contracts'
import {
  AGENT_METHODS,
  type AgentHandlers,
  type AgentMethodName,
  openEnvelope,
  RPC_ERROR,
  type RpcError,
  toRpcError,
} from '@rollcall/contracts/agent'
import jayson from 'jayson'
import { type Log, rateLimited } from '../platform/log.ts'

/** Calls in one batch. */
const MAX_BATCH_SIZE = 16

type Context = { signal: AbortSignal; bytes: Uint8Array }

const NO_BYTES = new Uint8Array(0)
type Reply = (error: RpcError | null, result?: unknown) => void
type RpcResponse = { jsonrpc: '2.0'; id: unknown; result?: unknown; error?: Partial<RpcError> }

/**
 * The one place where JSON-RPC meets the handlers: validates parameters and results by the contract and maps errors.
 * jayson does the envelope and batches; it never sees an exception, since it would lose its message.
 */
export class RpcAdapter {
  readonly #handlers: AgentHandlers
  readonly #mostCalls: number
  readonly #log: Log
  readonly #logOverload: Log['info']
  readonly #server: jayson.Server
  #calls = 0

  constructor(handlers: AgentHandlers, mostCalls: number, log: Log) {
    this.#handlers = handlers
    this.#mostCalls = mostCalls
    this.#log = log
    this.#logOverload = rateLimited(log, 1, 60_000, () => performance.now())
    this.#server = new jayson.Server(
      {},
      { router: (name: string) => this.#method(name), maxBatchLength: MAX_BATCH_SIZE },
    )
  }

  /**
   * The answer to one request body; null when nothing is to be answered (notifications only). `isEnvelope`: the body carries
   * bytes beside its JSON. Never rejects.
   */
  async answer(body: Buffer, signal: AbortSignal, isEnvelope = false): Promise<unknown> {
    const envelope = isEnvelope ? openEnvelope(body) : { json: body, bytes: NO_BYTES }
    if (envelope === null) return refusal('The request is not an envelope of JSON and bytes.')
    const text = Buffer.from(envelope.json.buffer, envelope.json.byteOffset, envelope.json.length)
    return this.#answer(text, { signal, bytes: envelope.bytes })
  }

  async #answer(body: Buffer, context: Context): Promise<unknown> {
    let request: unknown
    try {
      request = JSON.parse(body.toString('utf8'))
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      return refusal('The request is not JSON.')
    }
    return new Promise((resolve) => {
      this.#server.call(
        withoutNesting(request) as jayson.JSONRPCRequestLike,
        context,
        (error?: unknown, response?: unknown) => {
          resolve(completed(response ?? error ?? null))
        },
      )
    })
  }

  #method(name: string): jayson.Method {
    const isKnown = Object.hasOwn(AGENT_METHODS, name)
    const handler = (params: unknown, context: Context, reply: Reply) => {
      const work = isKnown ? this.#run(name as AgentMethodName, params, context) : unknownMethod(name)
      work.then(
        (result) => reply(null, result),
        (error) => reply(error as RpcError),
      )
    }
    return new jayson.Method(handler as unknown as jayson.MethodHandler, { useContext: true })
  }

  /** Rejects with an `RpcError` and nothing else. */
  async #run<N extends AgentMethodName>(name: N, input: unknown, context: Context): Promise<unknown> {
    if (this.#calls >= this.#mostCalls) {
      this.#logOverload('rpc.overloaded', { calls: this.#calls })
      const message = `The agent is at work on ${this.#calls} calls already; wait for one to be answered.`
      throw toRpcError(new RollcallError('agent.overloaded', message))
    }
    this.#calls++
    try {
      return await this.#call(name, input, context)
    } finally {
      this.#calls--
    }
  }

  async #call<N extends AgentMethodName>(name: N, input: unknown, context: Context): Promise<unknown> {
    const method = AGENT_METHODS[name]
    const params = method.params.safeParse(input ?? {})
    if (!params.success) {
      const fields = fieldErrors(params.error.issues, 'params')
      const message = `The parameters of ${name} are not right: ${fields.map((f) => `${f.field}: ${f.message}`).join('; ')}`
      throw toRpcError(new RollcallError('request.invalid', message, { fields }), RPC_ERROR.invalidParams)
    }
    try {
      // The contract ties parameters to the handler of the same name; TypeScript cannot follow that through a union.
      const handler = this.#handlers[name] as (...given: unknown[]) => Promise<unknown>
      return method.result.parse(await handler(params.data, context.signal, context.bytes))
    } catch (error) {
      if (!(error instanceof RollcallError)) {
        this.#log.error('rpc.defect', { method: name, error: String((error as Error).stack ?? error) })
      }
      throw toRpcError(error)
    }
  }
}

const refusal = (message: string) => ({
  jsonrpc: '2.0',
  id: null,
  error: toRpcError(new RollcallError('request.invalid', message), RPC_ERROR.parse),
})

async function unknownMethod(name: string): Promise<never> {
  const message = `This agent has no method ${JSON.stringify(String(name).slice(0, 64))}; it may be older than the caller.`
  throw toRpcError(new RollcallError('agent.method_unknown', message), RPC_ERROR.methodNotFound)
}

// jayson passes a batch within a batch over, and never answers when there is nothing else: it is no call, as null is none.
const withoutNesting = (request: unknown): unknown =>
  Array.isArray(request) ? request.map((member) => (Array.isArray(member) ? null : member)) : request

/** Gives jayson's own errors the `data` that every error of ours has. */
function completed(answer: unknown): unknown {
  if (Array.isArray(answer)) return answer.map(completed)
  const response = answer as RpcResponse | null
  if (response?.error === undefined || response.error.data?.code !== undefined) return response
  const message = `The request is not JSON-RPC 2.0, or holds more than ${MAX_BATCH_SIZE} calls.`
  const error = toRpcError(new RollcallError('request.invalid', message), RPC_ERROR.invalidRequest)
  return { ...response, error }
}
