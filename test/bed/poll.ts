import { setTimeout as pause } from 'node:timers/promises'

const MIN_PAUSE_MS = 25
const MAX_PAUSE_MS = 250
/** The pause as a share of the time that has passed: the longer something takes, the less often it is asked for. */
const PAUSE_SHARE = 0.1

export interface PollOptions {
  timeoutMs: number
  /** Between two probes; at first 25 ms and later up to 250 when it is left out. */
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
  { timeoutMs, everyMs, what }: PollOptions,
): Promise<T> {
  const startedAt = performance.now()
  const deadline = startedAt + timeoutMs
  while (true) {
    const found = await probe()
    if (found !== undefined && found !== false) return found
    if (performance.now() >= deadline) throw new Error(`timed out after ${timeoutMs} ms waiting for ${what}`)
    await pause(everyMs ?? toPauseMs(performance.now() - startedAt))
  }
}

const toPauseMs = (waitedMs: number) => Math.min(MAX_PAUSE_MS, Math.max(MIN_PAUSE_MS, waitedMs * PAUSE_SHARE))
