import type { IncomingMessage } from 'node:http'
import { PassThrough, type Readable } from 'node:stream'
import { type FieldError, fieldErrors } from '@rollcall/contracts'
import type { AdminResponse, AdminRouteName, AdminRoutes, Route } from '@rollcall/contracts/admin'
import { errorBody } from '@rollcall/contracts/admin/error-body'
import { ApiError, CliError, UnreachableError, UsageError } from '../errors.ts'
import { nobodyListens, type ServerAddress } from './find-server.ts'
import { send, toText } from './http.ts'
import { loadRoute } from './routes.ts'

/** Above the 30 s that the server itself gives a host to answer. */
const CALL_TIMEOUT_MS = 60_000

type Given<
  N extends AdminRouteName,
  Part extends 'params' | 'query' | 'body',
> = AdminRoutes[N][Part]['_zod']['input']
type Optional<Name extends string, Value> =
  Record<string, never> extends Value ? { [P in Name]?: Value } : { [P in Name]: Value }
type CallInput<N extends AdminRouteName> = Optional<'params', Given<N, 'params'>> &
  Optional<'query', Given<N, 'query'>> &
  Optional<'body', Given<N, 'body'>>
type CallArguments<N extends AdminRouteName> =
  Record<string, never> extends CallInput<N> ? [input?: CallInput<N>] : [input: CallInput<N>]

interface Parts {
  params?: Record<string, unknown>
  query?: Record<string, unknown>
  body?: unknown
}

/** Speaks the contract's REST routes. Input and answers are both held against the contract. */
export class ApiClient {
  private readonly find: () => Promise<ServerAddress>

  constructor(find: () => Promise<ServerAddress>) {
    this.find = find
  }

  /**
   * Throws `UsageError` for input that the contract refuses, before anything is sent; `ApiError` for what the server
   * refused; `UnreachableError` when there was no answer, so that the request may or may not have been carried out.
   */
  async call<N extends AdminRouteName>(name: N, ...[input]: CallArguments<N>): Promise<AdminResponse<N>> {
    const route = await loadRoute(name)
    const { status, body } = await this.send(route, (input ?? {}) as Parts)
    if (status === route.status) return parseAnswer<N>(route, body)
    throw refusalOf(status, body)
  }

  /** Hands content over to the server, however long that takes. Throws as `call` does. */
  async addContent(content: Readable): Promise<AdminResponse<'addContent'>> {
    // Before anything is waited for: what a program wrote is thrown away when it ends and nobody reads yet.
    const body = content.pipe(new PassThrough())
    content.on('error', (error) => body.destroy(error))
    const route = await loadRoute('addContent')
    const server = await this.find()
    try {
      const headers = { authorization: `Bearer ${server.apiKey}`, 'content-type': 'application/octet-stream' }
      const response = await send(addressOf(server.url, route.path), { method: route.method, headers, body })
      const answer = await toText(response)
      if (response.statusCode === route.status) return parseAnswer<'addContent'>(route, answer)
      throw refusalOf(response.statusCode ?? 0, answer)
    } catch (error) {
      if (error instanceof CliError) throw error
      throw unansweredOf(server, error)
    }
  }

  /** What a route answers with bytes, as they come. Throws as `call` does; a stream that ends before `size` bytes broke off. */
  async read<N extends 'readHostFile' | 'listHostTree' | 'readHostFiles'>(
    name: N,
    input: CallInput<N>,
  ): Promise<{ body: Readable; size: number }> {
    const route: Route = await loadRoute(name)
    const response = await this.request(route, input as Parts)
    if (response.statusCode !== route.status)
      throw refusalOf(response.statusCode ?? 0, await toText(response))
    return { body: response, size: Number(response.headers['content-length']) }
  }

  /** `GET /ready`, whose answer comes with 503 too. */
  async ready(): Promise<AdminResponse<'ready'>> {
    const route = await loadRoute('ready')
    const { status, body } = await this.send(route, {})
    const answer = route.response.safeParse(parseJson(body))
    if (answer.success) return answer.data
    throw refusalOf(status, body)
  }

  private async send(route: Route, parts: Parts): Promise<{ status: number; body: string }> {
    const signal = AbortSignal.timeout(CALL_TIMEOUT_MS)
    const response = await this.request(route, parts, signal)
    try {
      return { status: response.statusCode ?? 0, body: await toText(response) }
    } catch (error) {
      throw unansweredOf(await this.find(), signal.aborted ? signal.reason : error)
    }
  }

  private async request(route: Route, parts: Parts, signal?: AbortSignal): Promise<IncomingMessage> {
    checkInput(route, parts)
    const server = await this.find()
    const hasBody = parts.body !== undefined
    try {
      return await send(addressOf(server.url, route.path, parts), {
        method: route.method,
        headers: {
          authorization: `Bearer ${server.apiKey}`,
          ...(hasBody && { 'content-type': 'application/json' }),
        },
        ...(hasBody && { body: JSON.stringify(parts.body) }),
        ...(signal && { signal }),
      })
    } catch (error) {
      throw unansweredOf(server, error)
    }
  }
}

/** The address of a path on a server, which may itself live below a path. */
export function addressOf(base: URL, path: string, { params = {}, query = {} }: Parts = {}): URL {
  const filled = path.replace(/:(\w+)/g, (_whole, key: string) => encodeURIComponent(String(params[key])))
  const url = new URL(base.pathname.replace(/\/$/, '') + filled, base)
  for (const [key, value] of Object.entries(query))
    if (value !== undefined) url.searchParams.set(key, String(value))
  return url
}

function checkInput(route: Route, parts: Parts): void {
  const fields: FieldError[] = (['params', 'query', 'body'] as const).flatMap((part) => {
    const parsed = route[part].safeParse(parts[part] ?? {})
    return parsed.success ? [] : fieldErrors(parsed.error.issues, part)
  })
  for (const [field, value] of Object.entries(parts.params ?? {}))
    if (value === '.' || value === '..') fields.push({ field, message: `must not be "${value}"` })
  if (fields.length > 0)
    throw new UsageError('The request is not valid.', { code: 'request.invalid', fields })
}

function parseAnswer<N extends AdminRouteName>({ response }: Route, body: string): AdminResponse<N> {
  // Metrics and exports are text of their own.
  const parsed = response.safeParse(response.type === 'string' ? body : parseJson(body))
  if (parsed.success) return parsed.data as AdminResponse<N>
  throw new CliError(
    'The server answered in a way that this rollcall does not understand. Are both of the same release?',
    {
      fields: fieldErrors(parsed.error.issues, 'answer'),
      cause: parsed.error,
    },
  )
}

function refusalOf(status: number, body: string): ApiError {
  const parsed = errorBody.safeParse(parseJson(body))
  if (!parsed.success) {
    // A proxy in between, or not Rollcall at all.
    const kind = status >= 500 || status === 429 ? 'unavailable' : 'rejected'
    return new ApiError(
      'Something that is not a Rollcall server answered. Check ROLLCALL_URL and what stands in between.',
      kind,
      { code: `HTTP ${status}` },
    )
  }
  const { code, kind, message, fields } = parsed.data.error
  return new ApiError(message, kind, { code, fields })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What a failed connection means, in words. `error` comes from fetch or from a socket. */
export function unansweredOf(server: ServerAddress, error: unknown): CliError {
  const { name, code, message } = rootOf(error)
  if (code === 'ECONNREFUSED') {
    const gone = nobodyListens(server, error)
    if (gone) return gone
  }
  const at = server.url.origin
  if (/CERT|SELF_SIGNED|UNABLE_TO_|TLS|SSL/.test(code ?? ''))
    return new CliError(
      `The certificate of ${at} is not trusted (${code}). If it is your own, name the file of its authority in NODE_EXTRA_CA_CERTS.`,
      { cause: error },
    )
  const why = name === 'TimeoutError' ? `no answer within ${CALL_TIMEOUT_MS / 1000} s` : (code ?? message)
  return new UnreachableError(`The server at ${at} does not answer: ${why}.`, { cause: error })
}

function rootOf(error: unknown): { name?: string; code?: string; message: string } {
  if (error instanceof AggregateError && error.errors.length > 0) return rootOf(error.errors[0])
  if (error instanceof Error && error.cause instanceof Error) return rootOf(error.cause)
  return error instanceof Error ? error : { message: String(error) }
}
