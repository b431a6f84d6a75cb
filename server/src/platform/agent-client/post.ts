import type { SignedBody } from '@rollcall/contracts/agent'
import type { Client, Dispatcher } from 'undici'
import { asCallError, invalidAnswer } from './agent-answer.ts'
import type { Deadline } from './deadline.ts'

export interface Posted {
  statusCode: number
  headers: Record<string, string | string[] | undefined>
  /** Empty where the status is not 200. */
  text: string
}

/** Bytes that are read of an answer other than HTTP 200: beyond them the connection is closed. */
const MAX_REFUSAL_BYTES = 1024

/**
 * Posts, and resolves to the whole answer, of at most `maxBytes`. undici's `request` would make a stream, an async resource and
 * a signal for each: half of what a call costs beyond TLS.
 */
export function post(
  client: Client,
  { path, headers, body }: { path: string; headers: Record<string, string>; body: SignedBody },
  maxBytes: number,
  deadline: Deadline,
): Promise<Posted> {
  const request = { method: 'POST' as const, path, headers: { ...headers, ...lengthOf(body) } }
  return new Promise((resolve, reject) => {
    // Pieces go out one after the other, where one buffer would be copied together with the headers. undici takes whatever can be
    // iterated; its types do not say so.
    client.dispatch({ ...request, body: body as string }, new Reader(maxBytes, deadline, resolve, reject))
  })
}

/** Returns the length of pieces, which undici has to know; it measures text itself. */
const lengthOf = (body: SignedBody) =>
  typeof body === 'string'
    ? {}
    : { 'content-length': String(body.reduce((sum, { length }) => sum + length, 0)) }

class Reader implements Dispatcher.DispatchHandler {
  private readonly chunks: Buffer[] = []
  private size = 0
  private statusCode = 0
  private headers: Posted['headers'] = {}

  constructor(
    private readonly maxBytes: number,
    private readonly deadline: Deadline,
    private readonly resolve: (posted: Posted) => void,
    private readonly reject: (error: unknown) => void,
  ) {}

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.deadline.onEnd((reason) => controller.abort(reason))
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    statusCode: number,
    headers: Posted['headers'],
  ): void {
    this.statusCode = statusCode
    this.headers = headers
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.size += chunk.length
    if (this.statusCode !== 200) {
      if (this.size <= MAX_REFUSAL_BYTES) return
      this.onResponseEnd()
      controller.abort(new Error('a refusal is longer than any of an agent'))
    } else if (this.size > this.maxBytes)
      controller.abort(invalidAnswer(`its answer is larger than ${this.maxBytes} bytes`))
    else this.chunks.push(chunk)
  }

  onResponseEnd(): void {
    this.deadline.onEnd(null)
    const [only] = this.chunks
    const body = only && this.chunks.length === 1 ? only : Buffer.concat(this.chunks)
    this.resolve({ statusCode: this.statusCode, headers: this.headers, text: body.toString('utf8') })
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.deadline.onEnd(null)
    this.reject(asCallError(error))
  }
}
