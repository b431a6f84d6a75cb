import type { Dispatcher } from 'undici'
import { asCallError, invalidAnswer } from './agent-answer.ts'

export interface Answer {
  statusCode: number
  headers: Record<string, string | string[] | undefined>
  /** Empty where the status is not 200. */
  text: string
}

/** The body of an answer that is not HTTP 200 is not read: beyond this much of it the connection is given up. */
const MAX_REFUSAL_BYTES = 1024

/** The end of the time that an exchange has, or its caller's abort. An `AbortSignal` of its own for each call would cost more than the call's JSON. */
export class Deadline {
  private reason: Error | null = null
  private listener: ((reason: Error) => void) | null = null

  /** Calls back when the deadline has passed, at once where it has already. One at a time: a listener replaces the one before. */
  onEnd(listener: ((reason: Error) => void) | null): void {
    this.listener = listener
    if (listener && this.reason) listener(this.reason)
  }

  pass(reason: Error): void {
    this.reason = reason
    this.listener?.(reason)
  }
}

/**
 * Ends `work` after `ms` milliseconds or with `signal`, and waits no longer: a request that waits for a connection
 * notices it only when that is open or has failed. Rejects with `agent.unreachable` or the reason of `signal`.
 */
export function withDeadline<T>(
  ms: number,
  signal: AbortSignal | undefined,
  work: (deadline: Deadline) => Promise<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted()
    const deadline = new Deadline()
    const pass = (reason: unknown) => {
      const error = reason instanceof Error ? reason : new Error(String(reason))
      deadline.pass(error)
      settle(() => reject(asCallError(error)))
    }
    const abort = () => pass(signal?.reason)
    const settle = (end: () => void) => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
      end()
    }
    signal?.addEventListener('abort', abort, { once: true })
    const timer = setTimeout(() => pass(new DOMException('no answer in time', 'TimeoutError')), ms)
    // It may still fail after the wait for it has ended, which is no news then.
    work(deadline).then(
      (result) => settle(() => resolve(result)),
      (error) => settle(() => reject(error)),
    )
  })
}

/**
 * Reads an answer whole, of at most `maxBytes`. undici's `request` would make a stream, an async resource and a signal
 * for each: half of what a call costs beyond TLS.
 */
export class AnswerReader implements Dispatcher.DispatchHandler {
  private readonly chunks: Buffer[] = []
  private size = 0
  private statusCode = 0
  private headers: Answer['headers'] = {}

  constructor(
    private readonly maxBytes: number,
    private readonly deadline: Deadline,
    private readonly resolve: (answer: Answer) => void,
    private readonly reject: (error: unknown) => void,
  ) {}

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.deadline.onEnd((reason) => controller.abort(reason))
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    statusCode: number,
    headers: Answer['headers'],
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
