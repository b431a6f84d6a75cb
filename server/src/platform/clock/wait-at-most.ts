import type { Clock } from './clock.ts'
import { ignoreAbort } from './ignore-abort.ts'

/** Waits for `work`, or for `timeoutMs` milliseconds if that is sooner. Throws what `work` rejects with in time. */
export async function waitAtMost(clock: Clock, work: Promise<unknown>, timeoutMs: number): Promise<void> {
  const timeout = new AbortController()
  try {
    await Promise.race([work, clock.sleep(timeoutMs, timeout.signal).catch(ignoreAbort)])
  } finally {
    timeout.abort()
  }
}
