import type { AdminResponse, AdminRouteName } from '@rollcall/contracts/admin'
import {
  ApiClient,
  ApiError,
  type ApiResponse,
  type CallArguments,
  type CallInput,
  type Transport,
  UnreachableError,
  type UploadRouteName,
} from '@rollcall/contracts/client'
import { loadRoute } from './load-route.ts'

export { ApiError, isTransient } from '@rollcall/contracts/client'
export type Input<N extends AdminRouteName> = CallInput<N>
export type Answer<N extends AdminRouteName> = AdminResponse<N>

const signedOutListeners = new Set<() => void>()
/** Calls `listener` whenever the session turns out to have ended. Returns how to stop. */
export function onSignedOut(listener: () => void): () => void {
  signedOutListeners.add(listener)
  return () => signedOutListeners.delete(listener)
}
export const announceSignedOut = () => {
  for (const listener of signedOutListeners) listener()
}

const toClient = <R extends ApiResponse, Content>(transport: Transport<R, Content>) =>
  new ApiClient(transport, loadRoute)
const client = toClient<Response, never>({ send: ({ path, ...request }) => fetch(path, request) })

/** Calls a route of the contract. Throws `ApiError`. */
export const call = <N extends AdminRouteName>(name: N, ...input: CallArguments<N>): Promise<Answer<N>> =>
  announcing(client.call(name, ...input))

/** Uploads a file by a route that takes bytes. `onShare` gets how much of it the server has, from 0 to 1. Throws `ApiError`. */
export const uploadFile = <N extends UploadRouteName>(
  name: N,
  file: Blob,
  onShare: (share: number) => void,
  input?: Omit<Input<N>, 'body'>,
): Promise<Answer<N>> => announcing(toClient(withProgress(onShare)).upload(name, file, input))

/** Uploads the content of a file for transfers. Throws `ApiError`. */
export const sendContent = (file: Blob, onShare: (share: number) => void): Promise<Answer<'addContent'>> =>
  uploadFile('addContent', file, onShare)

/** Downloads a file of a host. `onShare` gets how much of it is here, from 0 to 1. Throws `ApiError`, also where it broke off. */
export async function receiveFile(
  host: string,
  path: string,
  onShare: (share: number) => void,
): Promise<Blob> {
  const response = await announcing(client.open('readHostFile', { params: { host }, query: { path } }))
  const size = Number(response.headers.get('content-length'))
  let received = 0
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform: (piece, out) => {
      received += piece.length
      onShare(size === 0 ? 1 : received / size)
      out.enqueue(piece)
    },
  })
  const content = await new Response(response.body?.pipeThrough(counter)).blob().catch((cause) => {
    throw connectionLost(cause)
  })
  if (content.size !== size) throw connectionLost()
  return content
}

async function announcing<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof ApiError && error.code === 'request.unauthenticated') announceSignedOut()
    throw error
  }
}

const connectionLost = (cause?: unknown) => new UnreachableError('The connection was lost.', { cause })

/** Sends by XMLHttpRequest, because fetch does not report upload progress. */
const withProgress = (onShare: (share: number) => void): Transport<ApiResponse, Blob> => ({
  send: ({ method, path, headers, body = null }) =>
    new Promise((resolve, reject) => {
      const request = new XMLHttpRequest()
      request.open(method, path)
      for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value)
      request.upload.onprogress = ({ loaded, total }) => onShare(loaded / total)
      request.onload = () =>
        resolve({ status: request.status, text: () => Promise.resolve(request.responseText) })
      request.onerror = () => reject(connectionLost())
      request.send(body)
    }),
})
