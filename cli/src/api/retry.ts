import { setTimeout as sleep } from 'node:timers/promises'
import { isTransient } from '@rollcall/contracts/client'
import { NoServerError } from '../errors.ts'

const MIN_MS = 250
const MAX_MS = 5000

/** How long to wait after so many failures in a row: 0.25 s, doubled each time up to 5 s, with jitter so that many clients do not come back at once. */
export function backOffMs(failures: number, random = Math.random()): number {
  const full = Math.min(MAX_MS, MIN_MS * 2 ** Math.min(failures, 16))
  return full * (0.5 + random / 2)
}

interface Retrying {
  /** Milliseconds after which the next failure is the last. */
  forMs: number
  signal: AbortSignal
  /** Told once, before the second try. */
  onFirstFailure?: (error: unknown) => void
}

/** Repeats what is safe to repeat while its failure may pass. Where no server runs to begin with, it fails at once. */
export async function retrying<T>(
  attempt: () => Promise<T>,
  { forMs, signal, onFirstFailure }: Retrying,
): Promise<T> {
  const giveUpAt = performance.now() + forMs
  for (let failures = 0; ; failures++) {
    try {
      return await attempt()
    } catch (error) {
      signal.throwIfAborted()
      if (!isTransient(error) || performance.now() >= giveUpAt) throw error
      if (failures === 0 && error instanceof NoServerError) throw error
      if (failures === 0) onFirstFailure?.(error)
    }
    await pause(backOffMs(failures), signal)
  }
}

/** Waits; throws the signal's own reason as soon as that is aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => signal.throwIfAborted())
}
