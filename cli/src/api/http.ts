import { once } from 'node:events'
import { type IncomingMessage, request as plainRequest } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

export interface HttpRequest {
  method: string
  headers: Record<string, string>
  /** Text is sent with its length, a stream in chunks. */
  body?: string | Readable | undefined
  signal?: AbortSignal | undefined
}

/**
 * Sends one request and returns the answer once its head is there; redirects are answers. Node's own client, since `fetch` takes as
 * long to load as all the rest of a short command. Throws what the connection failed with, or `TimeoutError` of the signal.
 */
export async function send(
  url: URL,
  { method, headers, body, signal }: HttpRequest,
): Promise<IncomingMessage> {
  const open = url.protocol === 'https:' ? (await import('node:https')).request : plainRequest
  const request = open(url, { method, headers, ...(signal && { signal }) })
  const answered = once(request, 'response') as Promise<[IncomingMessage]>
  try {
    // A server that refuses content answers before it has read all of it, and then resets the connection: its answer counts.
    if (body instanceof Readable) pipeline(body, request).catch((error) => request.destroy(error))
    else request.end(body)
    const [response] = await answered
    return response
  } catch (error) {
    throw signal?.aborted ? signal.reason : error
  } finally {
    request.on('error', () => undefined)
  }
}

/** Reads a stream of bytes, such as an answer, as text. Throws what it failed with. */
export async function toText(stream: Readable): Promise<string> {
  const pieces: Buffer[] = []
  for await (const piece of stream) pieces.push(piece as Buffer)
  return Buffer.concat(pieces).toString()
}
