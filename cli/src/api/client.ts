import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { ApiClient, ApiError, type ApiResponse, UnreachableError } from '@rollcall/contracts/client'
import { CliError } from '../errors.ts'
import { findDeadServer, type ServerAddress } from './find-server.ts'
import { send, toText } from './http.ts'
import { loadRoute } from './routes.ts'

/** Above the 30 s that the server itself gives a host to answer. */
const CALL_TIMEOUT_MS = 60_000

interface HttpResponse extends ApiResponse {
  body: IncomingMessage
  /** Bytes of the body; a stream that ends before broke off. */
  size: number
}
export type Client = ApiClient<HttpResponse, Readable>

/** Creates a client that looks for the server before every request, because a restarted one may listen elsewhere. */
export function createClient(find: () => Promise<ServerAddress>): Client {
  let server: ServerAddress | undefined
  return new ApiClient<HttpResponse, Readable>(
    {
      callTimeoutMs: CALL_TIMEOUT_MS,
      async send({ path, headers, ...request }) {
        server = await find()
        const authorization = `Bearer ${server.apiKey}`
        const body = await send(toUrl(server.url, path), {
          ...request,
          headers: { ...headers, authorization },
        })
        return {
          status: body.statusCode ?? 0,
          text: () => toText(body),
          body,
          size: Number(body.headers['content-length']),
        }
      },
      explain: (failure) => (server ? toConnectionError(server, failure) : (failure as Error)),
    },
    loadRoute,
  )
}

/** Returns the URL of a path on a server, which may itself live below a path. */
export const toUrl = (base: URL, path: string): URL => new URL(base.pathname.replace(/\/$/, '') + path, base)

/** Says what a failed connection means and what to do. Errors that say so already are returned as they are. */
export function toConnectionError(server: ServerAddress, failure: unknown): Error {
  if (failure instanceof CliError || failure instanceof ApiError) return failure
  const { name, code, message } = toRootCause(failure)
  const deadServer = code === 'ECONNREFUSED' ? findDeadServer(server, failure) : undefined
  if (deadServer) return deadServer
  const at = server.url.origin
  if (/CERT|SELF_SIGNED|UNABLE_TO_|TLS|SSL/.test(code ?? ''))
    return new CliError(
      `The certificate of ${at} is not trusted (${code}). If it is your own, name the file of its authority in NODE_EXTRA_CA_CERTS.`,
      { cause: failure },
    )
  const why = name === 'TimeoutError' ? `no answer within ${CALL_TIMEOUT_MS / 1000} s` : (code ?? message)
  return new UnreachableError(`The server at ${at} does not answer: ${why}.`, { cause: failure })
}

function toRootCause(error: unknown): { name?: string; code?: string; message: string } {
  if (error instanceof AggregateError && error.errors.length > 0) return toRootCause(error.errors[0])
  if (error instanceof Error && error.cause instanceof Error) return toRootCause(error.cause)
  return error instanceof Error ? error : { message: String(error) }
}
