const CLOSE_TIMEOUT_MS = 2_000

/**
 * Converts a callback-style call to a promise that also rejects with the signal's reason, since a lost connection may
 * never call back.
 */
export async function promisifyCall<T>(
  signal: AbortSignal,
  start: (done: (error?: Error | null, value?: T) => void) => void,
): Promise<T> {
  signal.throwIfAborted()
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const onAbort = () => reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    start((error, value) => (error ? reject(error) : resolve(value as T)))
    return await promise
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** Waits until a channel has closed, since the next one may be refused while it is open: at most two seconds, while connected. */
export async function waitForClose(closed: Promise<void>, gone: AbortSignal): Promise<void> {
  const limit = AbortSignal.any([gone, AbortSignal.timeout(CLOSE_TIMEOUT_MS)])
  await promisifyCall<void>(limit, (done) => void closed.then(() => done())).catch(() => undefined)
}
