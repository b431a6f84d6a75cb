import { fieldErrors, RollcallError } from '@rollcall/contracts'
import {
  AGENT_METHODS,
  type AgentMethodName,
  type AgentParams,
  RPC_ERROR,
  toRpcError,
} from '@rollcall/contracts/agent'
import { RECORDED } from './messages.ts'

/** Calls in one batch. */
const MAX_BATCH_SIZE = 16

/** Answer methods with the JSON text of their results. A method without one is unknown, as to an agent of an earlier release. */
export type Handlers = {
  [N in AgentMethodName]?: (params: AgentParams<N>) => string | Promise<string>
}

type Id = string | number | null
interface Call {
  name: string
  params: unknown
  /** Undefined for a notification. */
  id: Id | undefined
}

/** The parsed body of a request, before anything of it is done. */
export type Asked = { error: string } | { isBatch: boolean; calls: (Call | null)[]; methods: number }

const INVALID = new RollcallError(
  'request.invalid',
  `The request is not JSON-RPC 2.0, or holds more than ${MAX_BATCH_SIZE} calls.`,
)

export function readRequest(body: string): Asked {
  let request: unknown
  try {
    request = JSON.parse(body)
  } catch {
    const error = new RollcallError('request.invalid', 'The request is not JSON.')
    return { error: errorText(null, error, RPC_ERROR.parse) }
  }
  const isBatch = Array.isArray(request)
  const parts: unknown[] = isBatch ? (request as unknown[]) : [request]
  if (parts.length === 0 || parts.length > MAX_BATCH_SIZE)
    return { error: errorText(null, INVALID, RPC_ERROR.invalidRequest) }
  const calls = parts.map(readCall)
  let methods = 0
  for (const call of calls)
    if (call && Object.hasOwn(RECORDED, call.name)) methods |= RECORDED[call.name as AgentMethodName]
  return { isBatch, calls, methods }
}

function readCall(part: unknown): Call | null {
  if (typeof part !== 'object' || part === null) return null
  const { jsonrpc, method, params, id } = part as Record<string, unknown>
  const isId = id === undefined || id === null || typeof id === 'string' || typeof id === 'number'
  if (jsonrpc !== '2.0' || typeof method !== 'string' || !isId) return null
  return { name: method, params, id }
}

/** The text of the answer; null when there is nothing to answer. At once where no call has to wait. */
export function answerTo(asked: Asked, handlers: Handlers): string | null | Promise<string | null> {
  if ('error' in asked) return asked.error
  const answers = asked.calls.map((call) => answerCall(call, handlers))
  if (answers.some((answer) => answer instanceof Promise))
    return Promise.all(answers).then((texts) => joined(texts, asked.isBatch))
  return joined(answers as (string | null)[], asked.isBatch)
}

function joined(texts: (string | null)[], isBatch: boolean): string | null {
  const said = texts.filter((text) => text !== null)
  if (said.length === 0) return null
  return isBatch ? `[${said.join(',')}]` : (said[0] ?? null)
}

function answerCall(call: Call | null, handlers: Handlers): string | null | Promise<string | null> {
  if (call === null) return errorText(null, INVALID, RPC_ERROR.invalidRequest)
  const { id } = call
  try {
    const result = handle(call, handlers)
    if (typeof result === 'string') return resultText(id, result)
    return result.then(
      (text) => resultText(id, text),
      (error) => (id === undefined ? null : errorText(id, error)),
    )
  } catch (error) {
    return id === undefined ? null : errorText(id, error)
  }
}

function handle({ name, params }: Call, handlers: Handlers): string | Promise<string> {
  if (!Object.hasOwn(AGENT_METHODS, name) || !Object.hasOwn(handlers, name))
    throw new RollcallError('agent.method_unknown', `This agent has no method ${name.slice(0, 64)}.`)
  const method = name as AgentMethodName
  const parsed = AGENT_METHODS[method].params.safeParse(params ?? {})
  if (!parsed.success) {
    const fields = fieldErrors(parsed.error.issues, 'params')
    throw new RollcallError('request.invalid', `The parameters of ${name} are invalid.`, { fields })
  }
  // The contract ties parameters to the handler of the same name, which TypeScript cannot infer through a union.
  return (handlers[method] as (params: unknown) => string | Promise<string>)(parsed.data)
}

const resultText = (id: Id | undefined, result: string): string | null =>
  id === undefined ? null : `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${result}}`

const OWN_CODE: Partial<Record<string, number>> = {
  'agent.method_unknown': RPC_ERROR.methodNotFound,
  'request.invalid': RPC_ERROR.invalidParams,
}

export function errorText(id: Id, error: unknown, rpcCode?: number): string {
  if (!(error instanceof RollcallError)) throw error
  return JSON.stringify({ jsonrpc: '2.0', id, error: toRpcError(error, rpcCode ?? OWN_CODE[error.code]) })
}
