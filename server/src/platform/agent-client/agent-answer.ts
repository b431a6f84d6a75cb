import { maySay, RollcallError, sanitizeText } from '@rollcall/contracts'
import { RPC_ERROR } from '@rollcall/contracts/agent'
import { z } from 'zod'

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

/** Returns the result in an answer, or throws its error. Without an `id` only an error is expected. */
export function unwrap(json: unknown, id: number | undefined): unknown {
  const answer = rpcAnswer.safeParse(json)
  if (!answer.success) throw invalidAnswer('its answer is not a JSON-RPC answer')
  if ('error' in answer.data) throw toError(answer.data.error)
  if (answer.data.id !== id) throw invalidAnswer('its answer carries the id of another call')
  return answer.data.result
}

function toError(error: {
  code: number
  message: string
  data?: { code?: string | undefined; outcome?: 'not-applied' | 'unknown' | undefined } | undefined
}): RollcallError {
  const code = error.data?.code
  if (maySay('agent', code))
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

export function refusedBy(statusCode: number): RollcallError {
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

/** The agent was flooded, or a clock drifts; the next try is signed again. */
export const alwaysChallenged = () =>
  new RollcallError(
    'agent.unreachable',
    'The agent rejects every request as late, although each was signed by the time that it had just sent.',
  )

export const invalidAnswer = (what: string, cause?: unknown) =>
  new RollcallError(
    'agent.invalid_answer',
    `The agent does not behave as one of ours: ${sanitizeText(what, 1000)}.`,
    {
      // It was asked, and what it did we do not know.
      outcome: 'unknown',
      cause,
    },
  )

/** Errors before a connection is open: nothing can have happened on the host. After that it is unknown. */
const NOT_CONNECTED = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
])

/** Explanations of codes of the system and of the HTTP client. */
const IN_WORDS: Record<string, string> = {
  ECONNREFUSED: 'nothing listens on its port (ECONNREFUSED)',
  ECONNRESET: 'the connection broke (ECONNRESET)',
  EPIPE: 'the connection broke (EPIPE)',
  EHOSTUNREACH: 'there is no way to the host (EHOSTUNREACH)',
  ENETUNREACH: 'there is no way to its network (ENETUNREACH)',
  ENOTFOUND: 'its name is not known (ENOTFOUND)',
  EAI_AGAIN: 'its name could not be looked up (EAI_AGAIN)',
  UND_ERR_CONNECT_TIMEOUT:
    'no connection came about in time: the host is off, or what is sent to its port is dropped on the way',
  UND_ERR_SOCKET: 'the connection broke',
  UND_ERR_HEADERS_TIMEOUT: 'it did not answer in time',
  UND_ERR_BODY_TIMEOUT: 'it did not answer in time',
}

export function asCallError(error: unknown): unknown {
  if (error instanceof RollcallError) return error
  if (error instanceof Error && error.name === 'AbortError') return error
  const { name, code, message } = error as { name?: string; code?: string | number; message: string }
  const what =
    name === 'TimeoutError'
      ? 'it did not answer in time'
      : (IN_WORDS[String(code)] ?? sanitizeText(String(code ?? message), 200))
  return new RollcallError('agent.unreachable', `The agent does not answer: ${what}.`, {
    outcome: typeof code === 'string' && NOT_CONNECTED.has(code) ? 'not-applied' : 'unknown',
    cause: error,
  })
}
