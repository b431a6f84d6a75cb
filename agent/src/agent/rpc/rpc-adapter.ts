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
import { type Log, rateLimited } from '../../platform/log.ts'

/** Maximum calls in one batch. */
const MAX_BATCH_SIZE = 16

type Context = { signal: AbortSignal; bytes: Uint8Array }

const NO_BYTES = new Uint8Array(0)
type Reply = (error: RpcError | null, result?: unknown) => void
type RpcResponse = { jsonrpc: '2.0'; id: unknown; result?: unknown; error?: Partial<RpcError> }

/**
 * Connects JSON-RPC to the handlers: validates parameters and results by the contract and maps errors. jayson handles envelope and
 * batches; no exception reaches it, since it would drop the message.
 */
export class RpcAdapter {
  readonly #logOverload: Log['info']
  readonly #server: jayson.Server
  #calls = 0

  constructor(
    private readonly handlers: AgentHandlers,
    private readonly maxCalls: number,
    private readonly log: Log,
  ) {
    this.#logOverload = rateLimited(log, 1, 60_000, () => performance.now())
    this.#server = new jayson.Server(
      {},
      { router: (name: string) => this.#method(name), maxBatchLength: MAX_BATCH_SIZE },
    )
  }

  /**
   * Answers a request body; with `isEnvelope` it carries bytes beside its JSON. Returns null for notifications only. Never
   * rejects.
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
          resolve(withErrorData(response ?? error ?? null))
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

  /** Runs a method. Rejects with an `RpcError` only. */
  async #run<N extends AgentMethodName>(name: N, input: unknown, context: Context): Promise<unknown> {
    if (this.#calls >= this.maxCalls) {
      this.#logOverload('rpc.overloaded', { calls: this.#calls })
      const message = `The agent is already handling ${this.#calls} calls; wait for one to be answered.`
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
      const message = `The parameters of ${name} are invalid: ${fields.map((f) => `${f.field}: ${f.message}`).join('; ')}`
      throw toRpcError(new RollcallError('request.invalid', message, { fields }), RPC_ERROR.invalidParams)
    }
    try {
      // The contract ties parameters to the handler of the same name, which TypeScript cannot infer through a union.
      const handler = this.handlers[name] as (...given: unknown[]) => Promise<unknown>
      return method.result.parse(await handler(params.data, context.signal, context.bytes))
    } catch (error) {
      if (!(error instanceof RollcallError)) {
        this.log.error('rpc.defect', { method: name, error: String((error as Error).stack ?? error) })
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

// jayson skips a batch within a batch, and never answers if there is nothing else. It is no call, as null is none.
const withoutNesting = (request: unknown): unknown =>
  Array.isArray(request) ? request.map((member) => (Array.isArray(member) ? null : member)) : request

/** Adds to jayson's own errors the `data` that every error of the agent has. */
function withErrorData(answer: unknown): unknown {
  if (Array.isArray(answer)) return answer.map(withErrorData)
  const response = answer as RpcResponse | null
  if (response?.error === undefined || response.error.data?.code !== undefined) return response
  const message = `The request is not JSON-RPC 2.0, or holds more than ${MAX_BATCH_SIZE} calls.`
  const error = toRpcError(new RollcallError('request.invalid', message), RPC_ERROR.invalidRequest)
  return { ...response, error }
}
