/** Hands out one channel at a time: a host may allow a connection no more than that (`MaxSessions 1`). */
export class ChannelQueue {
  #last: Promise<void> = Promise.resolve()

  /** Waits for its turn, and runs `work` then. Throws what `work` throws, or the signal's reason while it waits. */
  async take<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const before = this.#last
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#last = promise
    try {
      await abortable(before, signal)
      return await work()
    } finally {
      // Whoever gave up waiting must not let the next one in before those who came earlier.
      void before.then(resolve)
    }
  }
}

function abortable(wait: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    if (signal.aborted) return onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    void wait.then(() => {
      signal.removeEventListener('abort', onAbort)
      resolve()
    })
  })
}
