import { asCallError } from './agent-answer.ts'

/** The end of the time that a call has, or a wish that it end before. An `AbortSignal` of its own for each call would cost more than the call's JSON. */
export class Deadline {
  private reason: Error | null = null
  private end: ((reason: Error) => void) | null = null

  /** Calls back when it has come, at once where it has come already. One at a time: the next takes the place of the last. */
  onEnd(end: ((reason: Error) => void) | null): void {
    this.end = end
    if (end && this.reason) end(this.reason)
  }

  come(reason: Error): void {
    this.reason = reason
    this.end?.(reason)
  }
}

/**
 * Ends `work` after `ms` milliseconds or with `signal`, and waits no longer: a request that waits for a connection
 * learns of it only when that stands or has failed.
 */
export function withDeadline<T>(
  ms: number,
  signal: AbortSignal | undefined,
  work: (deadline: Deadline) => Promise<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted()
    const deadline = new Deadline()
    const come = (reason: unknown) => {
      const error = reason instanceof Error ? reason : new Error(String(reason))
      deadline.come(error)
      settle(() => reject(asCallError(error)))
    }
    const follow = () => come(signal?.reason)
    const settle = (end: () => void) => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', follow)
      end()
    }
    signal?.addEventListener('abort', follow, { once: true })
    const timer = setTimeout(() => come(new DOMException('no answer in time', 'TimeoutError')), ms)
    // It may still fail after we have stopped waiting for it, and tells nothing new then.
    work(deadline).then(
      (result) => settle(() => resolve(result)),
      (error) => settle(() => reject(error)),
    )
  })
}
