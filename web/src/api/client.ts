import { ADMIN_ROUTES, type AdminRouteName, type AdminRoutes, errorBody } from '@rollcall/contracts/admin'
import type { z } from 'zod'

type In<N extends AdminRouteName, P extends 'params' | 'query' | 'body'> = z.input<AdminRoutes[N][P]>
type Part<N extends AdminRouteName, P extends 'params' | 'query' | 'body'> =
  Record<string, never> extends In<N, P> ? { [K in P]?: In<N, P> } : { [K in P]: In<N, P> }
export type Input<N extends AdminRouteName> = Part<N, 'params'> & Part<N, 'query'> & Part<N, 'body'>
export type Answer<N extends AdminRouteName> = z.output<AdminRoutes[N]['response']>

/** What the server refused, or why it could not be asked. */
export class ApiError extends Error {
  constructor(
    readonly code: string,
    message: string,
    /** What is wrong with which field, by its name without `body.`. */
    readonly fields: Record<string, string> = {},
    readonly status = 0,
  ) {
    super(message)
    this.name = 'ApiError'
  }
}

const signedOutListeners = new Set<() => void>()
/** Calls `listener` whenever the server says that nobody is signed in here. Returns how to stop. */
export function onSignedOut(listener: () => void): () => void {
  signedOutListeners.add(listener)
  return () => signedOutListeners.delete(listener)
}
export const announceSignedOut = () => {
  for (const listener of signedOutListeners) listener()
}

/** The address of a route, its parameters filled in. */
export function addressOf(name: AdminRouteName, params: object = {}, query: object = {}): string {
  const values = params as Record<string, unknown>
  const path = ADMIN_ROUTES[name].path.replace(/:(\w+)/g, (_, key: string) =>
    encodeURIComponent(String(values[key])),
  )
  const search = new URLSearchParams(
    Object.entries(query).flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)]])),
  ).toString()
  return search ? `${path}?${search}` : path
}

/** Calls a route of the contract. Throws `ApiError`. */
export async function call<N extends AdminRouteName>(
  name: N,
  input: Input<N>,
  signal?: AbortSignal,
): Promise<Answer<N>> {
  const route = ADMIN_ROUTES[name]
  const { params, query, body } = input as { params?: object; query?: object; body?: object }
  let response: Response
  try {
    response = await fetch(addressOf(name, params, query), {
      method: route.method,
      ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      ...(signal && { signal }),
    })
  } catch (error) {
    if (signal?.aborted) throw error
    throw new ApiError('network', (error as Error).message)
  }
  const json: unknown = await response.json().catch(() => undefined)
  if (response.ok) return route.response.parse(json) as Answer<N>
  const error = toError(json, response.status)
  if (error.code === 'request.unauthenticated') announceSignedOut()
  throw error
}

/** Hands a file over to the server. `onShare` is told how much of it is there, from 0 to 1. Throws `ApiError`. */
export function sendContent(file: Blob, onShare: (share: number) => void): Promise<Answer<'addContent'>> {
  const { method, path, response } = ADMIN_ROUTES.addContent
  // fetch tells nothing while it sends.
  const request = new XMLHttpRequest()
  request.open(method, path)
  request.setRequestHeader('content-type', 'application/octet-stream')
  request.responseType = 'json'
  request.upload.onprogress = ({ loaded, total }) => onShare(loaded / total)
  return new Promise((resolve, reject) => {
    request.onload = () => {
      if (request.status < 300) return resolve(response.parse(request.response))
      const error = toError(request.response, request.status)
      if (error.code === 'request.unauthenticated') announceSignedOut()
      reject(error)
    }
    request.onerror = () => reject(new ApiError('network', 'The connection was lost.'))
    request.send(file)
  })
}

/** A file of a host, whole. `onShare` is told how much of it is here, from 0 to 1. Throws `ApiError`, also where it broke off. */
export async function receiveFile(
  host: string,
  path: string,
  onShare: (share: number) => void,
): Promise<Blob> {
  const lost = () => new ApiError('network', 'The connection was lost.')
  const response = await fetch(addressOf('readHostFile', { host }, { path })).catch(() => {
    throw lost()
  })
  if (!response.ok || !response.body) {
    const error = toError(await response.json().catch(() => undefined), response.status)
    if (error.code === 'request.unauthenticated') announceSignedOut()
    throw error
  }
  const size = Number(response.headers.get('content-length'))
  let received = 0
  const counted = new TransformStream<Uint8Array, Uint8Array>({
    transform: (piece, out) => {
      received += piece.length
      onShare(size === 0 ? 1 : received / size)
      out.enqueue(piece)
    },
  })
  const content = await new Response(response.body.pipeThrough(counted)).blob().catch(() => {
    throw lost()
  })
  if (content.size !== size) throw lost()
  return content
}

function toError(json: unknown, status: number): ApiError {
  const parsed = errorBody.safeParse(json)
  if (!parsed.success) return new ApiError('network', `HTTP ${status}`, {}, status)
  const { code, message, fields } = parsed.data.error
  const byName = fields.map(({ field, message: why }) => [field.replace(/^(body|query|path)\./, ''), why])
  return new ApiError(code, message, Object.fromEntries(byName), status)
}
