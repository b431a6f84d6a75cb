import { z } from 'zod'
import { errorBody } from '../admin/error-body.ts'
import type { AdminResponse, AdminRouteName, AdminRoutes } from '../admin/index.ts'
import { parseRequest, type RequestPart } from '../admin/parse-request.ts'
import type { Route } from '../admin/route.ts'
import { fieldErrors } from '../errors.ts'
import { parseJson } from '../parse-json.ts'
import { ApiError, InvalidAnswerError, InvalidRequestError, UnreachableError } from './api-error.ts'

type PartInput<N extends AdminRouteName, Part extends RequestPart> = AdminRoutes[N][Part]['_zod']['input']
type OptionalIfEmpty<Part extends string, Value> =
  Record<string, never> extends Value ? { [P in Part]?: Value } : { [P in Part]: Value }

/** The input of a route. Parts that may be empty may be left out. */
export type CallInput<N extends AdminRouteName> = OptionalIfEmpty<'params', PartInput<N, 'params'>> &
  OptionalIfEmpty<'query', PartInput<N, 'query'>> &
  OptionalIfEmpty<'body', PartInput<N, 'body'>>

export type CallArguments<N extends AdminRouteName> =
  Record<string, never> extends CallInput<N>
    ? [input?: CallInput<N>, signal?: AbortSignal]
    : [input: CallInput<N>, signal?: AbortSignal]

/** The routes that answer with bytes. */
export type ByteRouteName = {
  [N in AdminRouteName]: AdminResponse<N> extends object
    ? object extends AdminResponse<N>
      ? N
      : never
    : never
}[AdminRouteName]

/** The routes whose body is bytes. */
export type UploadRouteName = 'addContent' | 'addImages'

/** One HTTP request. `content` is sent as it is; `path` holds the query too. */
export interface ApiRequest<Content> {
  method: Route['method']
  path: string
  headers: Record<string, string>
  body?: string | Content
  signal?: AbortSignal
}

/** The answer, once its head is there. The `Response` of `fetch` is one. */
export interface ApiResponse {
  readonly status: number
  text(): Promise<string>
}

/** Sends requests to one server. `Content` is what the platform can send as bytes. */
export interface Transport<Response extends ApiResponse, Content> {
  /** Sends a request. Returns when the head of the answer is there. Throws what the connection failed with. */
  send(request: ApiRequest<Content>): Promise<Response>
  /** Explains why a connection failed. The default is the failure's own message. */
  explain?(failure: unknown): Error
  /** Milliseconds for a whole call; bytes that are streamed may take longer. */
  callTimeoutMs?: number
}

type RouteLoader = <N extends AdminRouteName>(name: N) => AdminRoutes[N] | Promise<AdminRoutes[N]>

interface Parts {
  params?: Record<string, unknown>
  query?: Record<string, unknown>
  body?: unknown
}

/** The contract's REST routes as typed calls. Requests and answers are parsed; nothing is sent twice. */
export class ApiClient<Response extends ApiResponse = ApiResponse, Content = never> {
  private readonly transport: Transport<Response, Content>
  private readonly loadRoute: RouteLoader

  constructor(transport: Transport<Response, Content>, loadRoute: RouteLoader) {
    this.transport = transport
    this.loadRoute = loadRoute
  }

  /**
   * Calls a route. Throws `InvalidRequestError` before anything is sent, `ApiError` for an error of the server,
   * `UnreachableError` when no answer came, and the signal's reason.
   */
  async call<N extends AdminRouteName>(
    name: N,
    ...[input, signal]: CallArguments<N>
  ): Promise<AdminResponse<N>> {
    const route: Route = await this.loadRoute(name)
    const limit = this.limit(signal)
    const response = await this.send(toRequest(route, (input ?? {}) as Parts), limit)
    return (await this.parseResponse(route, response, limit)) as AdminResponse<N>
  }

  /** Sends bytes as the whole body, to a route that takes them. Throws as `call` does. */
  async upload<N extends UploadRouteName>(
    name: N,
    content: Content,
    input?: Omit<CallInput<N>, 'body'>,
    signal?: AbortSignal,
  ): Promise<AdminResponse<N>> {
    const route: Route = await this.loadRoute(name)
    const request = toRequest(route, (input ?? {}) as Parts)
    const headers = { 'content-type': route.consumes }
    const response = await this.send({ ...request, headers, body: content }, signal)
    return (await this.parseResponse(route, response, signal)) as AdminResponse<N>
  }

  /** Opens a route whose answer is bytes, and leaves reading them to the caller. Throws as `call` does. */
  async open<N extends ByteRouteName>(name: N, input: CallInput<N>, signal?: AbortSignal): Promise<Response> {
    const route: Route = await this.loadRoute(name)
    const response = await this.send(toRequest(route, input as Parts), signal)
    if (response.status === route.status) return response
    throw toApiError(response.status, await this.read(response, signal))
  }

  private async send(
    request: Omit<ApiRequest<Content>, 'signal'>,
    signal: AbortSignal | undefined,
  ): Promise<Response> {
    try {
      return await this.transport.send({ ...request, ...(signal && { signal }) })
    } catch (failure) {
      throw this.toFailure(failure, signal)
    }
  }

  private async read(response: Response, signal: AbortSignal | undefined): Promise<string> {
    try {
      return await response.text()
    } catch (failure) {
      throw this.toFailure(failure, signal)
    }
  }

  private async parseResponse(
    route: Route,
    response: Response,
    signal: AbortSignal | undefined,
  ): Promise<unknown> {
    const { status } = response
    const text = await this.read(response, signal)
    if (status !== route.status && status !== route.troubleStatus) throw toApiError(status, text)
    const parsed = route.response.safeParse(
      route.produces === 'application/json' ? parseJson(z.unknown(), text) : text,
    )
    if (parsed.success) return parsed.data
    if (status !== route.status) throw toApiError(status, text)
    throw new InvalidAnswerError(status, fieldErrors(parsed.error.issues, 'answer'), parsed.error)
  }

  private limit(signal: AbortSignal | undefined): AbortSignal | undefined {
    const { callTimeoutMs } = this.transport
    if (callTimeoutMs === undefined) return signal
    const timeout = AbortSignal.timeout(callTimeoutMs)
    return signal ? AbortSignal.any([signal, timeout]) : timeout
  }

  private toFailure(failure: unknown, signal: AbortSignal | undefined): unknown {
    if (failure instanceof ApiError) return failure
    const reason = signal?.aborted ? signal.reason : failure
    if (signal?.aborted && (reason as Error)?.name !== 'TimeoutError') return reason
    return (
      this.transport.explain?.(reason) ?? new UnreachableError((reason as Error).message, { cause: reason })
    )
  }
}

/** Returns the path of a route with its parameters filled in, and its query. */
export function toPath({ path }: Pick<Route, 'path'>, { params = {}, query = {} }: Parts = {}): string {
  const filled = path.replace(/:(\w+)/g, (_whole, key: string) => encodeURIComponent(String(params[key])))
  const search = new URLSearchParams()
  for (const [key, value] of Object.entries(query)) if (value !== undefined) search.set(key, String(value))
  return search.size > 0 ? `${filled}?${search}` : filled
}

function toRequest(route: Route, parts: Parts): Omit<ApiRequest<never>, 'signal'> {
  const { wrong } = parseRequest(route, parts)
  for (const [field, value] of Object.entries(parts.params ?? {}))
    if (value === '.' || value === '..') wrong.push({ field, message: `must not be "${value}"` })
  if (wrong.length > 0) throw new InvalidRequestError(wrong)
  const request = { method: route.method, path: toPath(route, parts), headers: {} }
  if (parts.body === undefined) return request
  return {
    ...request,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(parts.body),
  }
}

/** Returns the error that an answer holds. An answer without one does not come from a Rollcall server. */
function toApiError(status: number, text: string): ApiError {
  const body = parseJson(errorBody, text)
  if (body) {
    const { message, ...details } = body.error
    return new ApiError(message, { ...details, status })
  }
  const message = `The answer (HTTP ${status}) does not come from a Rollcall server. Check the address and any proxy.`
  if (status >= 500 || status === 429) return new UnreachableError(message, { status })
  return new ApiError(message, { code: `HTTP ${status}`, kind: 'rejected', status })
}
