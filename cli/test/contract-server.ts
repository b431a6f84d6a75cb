import type { IncomingMessage, ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { ERRORS, RollcallError } from '@rollcall/contracts'
import {
  ADMIN_ROUTES,
  type AdminRouteName,
  type AdminRoutes,
  parseRequest,
  type Route,
  toInvalidRequestMessage,
} from '@rollcall/contracts/admin'

type Part<
  N extends AdminRouteName,
  P extends 'params' | 'query' | 'body',
> = AdminRoutes[N][P]['_zod']['output']

/** A request that the contract has let through, its defaults filled in. */
export interface ApiRequest<N extends AdminRouteName = AdminRouteName> {
  name: N
  params: Part<N, 'params'>
  query: Part<N, 'query'>
  body: Part<N, 'body'>
  /** A body that is no JSON. */
  content: Buffer
}

/** A handler for each route. An answer that the contract does not allow fails to compile, and to be sent. */
export type Handlers = {
  [N in AdminRouteName]?: (request: ApiRequest<N>) => AdminRoutes[N]['response']['_zod']['input']
}

interface Settings {
  apiKey: string
  /** Called before a handler; may throw a `RollcallError`. `lose` carries the request out and drops the answer. */
  onRequest(request: ApiRequest): 'answer' | 'lose'
  toStatus(name: AdminRouteName): number
}

/** Answers a request as the contract says: its input parsed, its answer parsed, its errors with the catalogue's status. */
export async function answerByContract(
  request: IncomingMessage,
  response: ServerResponse,
  handlers: Handlers,
  { apiKey, onRequest, toStatus }: Settings,
): Promise<void> {
  const reply = (status: number, body: unknown) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  try {
    const parsed = await parse(request)
    const route: Route = ADMIN_ROUTES[parsed.name]
    if (route.access !== 'public' && request.headers.authorization !== `Bearer ${apiKey}`)
      throw new RollcallError('request.unauthenticated', 'This API key is not known.')
    const isLost = onRequest(parsed) === 'lose'
    const handler = handlers[parsed.name] as ((request: ApiRequest) => unknown) | undefined
    if (!handler) throw new Error(`the fake has no handler for ${parsed.name}`)
    const answer = route.response.parse(handler(parsed))
    if (isLost) response.destroy()
    else reply(toStatus(parsed.name), answer)
  } catch (error) {
    const { code, kind, message, fields } =
      error instanceof RollcallError ? error : new RollcallError('server.defect', String(error))
    reply(ERRORS[code].status, { error: { code, kind, message, fields } })
  }
}

async function parse(request: IncomingMessage): Promise<ApiRequest> {
  const url = new URL(request.url ?? '/', 'http://fake')
  const content = await buffer(request)
  for (const [name, route] of Object.entries(ADMIN_ROUTES) as [AdminRouteName, Route][]) {
    const match = new RegExp(`^${route.path.replace(/:(\w+)/g, '(?<$1>[^/]+)')}$`).exec(url.pathname)
    if (!match || route.method !== request.method) continue
    const isJson = route.consumes === 'application/json'
    const { values, wrong } = parseRequest(route, {
      params: decodeValues(match.groups),
      query: Object.fromEntries(url.searchParams),
      body: isJson && content.length > 0 ? JSON.parse(content.toString()) : {},
    })
    if (wrong.length > 0)
      throw new RollcallError('request.invalid', toInvalidRequestMessage(wrong), { fields: wrong })
    return { name, content, ...(values as Omit<ApiRequest, 'name' | 'content'>) }
  }
  throw new RollcallError('request.not_found', 'There is nothing at this address.')
}

/** Names in a path may have slashes of their own. */
const decodeValues = (groups: Readonly<Record<string, string>> = {}) =>
  Object.fromEntries(Object.entries(groups).map(([key, value]) => [key, decodeURIComponent(value)]))
