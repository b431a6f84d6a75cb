import { setTimeout as pause } from 'node:timers/promises'

export interface PollOptions {
  timeoutMs: number
  everyMs?: number
  /** Words for the error: "timed out after … waiting for <what>". */
  what: string
}

/**
 * Asks `probe` again and again until it gives something other than `undefined` or `false`, and returns that.
 * Throws after `timeoutMs`; an error thrown by `probe` ends the waiting at once.
 */
export async function poll<T>(
  probe: () => Promise<T | undefined | false> | T | undefined | false,
  { timeoutMs, everyMs = 25, what }: PollOptions,
): Promise<T> {
  const deadline = performance.now() + timeoutMs
  while (true) {
    const found = await probe()
    if (found !== undefined && found !== false) return found
    if (performance.now() >= deadline) throw new Error(`timed out after ${timeoutMs} ms waiting for ${what}`)
    await pause(everyMs)
  }
}
