import { setTimeout as sleep } from 'node:timers/promises'
import { nextRetry, RETRY_POLICIES } from '@rollcall/contracts'
import { isTransient } from '@rollcall/contracts/client'
import { NoServerError } from '../errors.ts'

interface Retrying {
  /** Milliseconds from the first try, after which the next failure is the last. */
  forMs: number
  signal: AbortSignal
  /** Called once, before the second try. */
  onFirstFailure?: (error: unknown) => void
}

/** Repeats `attempt`, which must be safe to repeat, while its failure may pass. Throws at once where no server runs to begin with. */
export async function retrying<T>(
  attempt: () => Promise<T>,
  { forMs, signal, onFirstFailure }: Retrying,
): Promise<T> {
  const policy = { ...RETRY_POLICIES.cli, giveUpAfterMs: forMs }
  const since = new Date()
  for (let count = 1; ; count++) {
    try {
      return await attempt()
    } catch (error) {
      signal.throwIfAborted()
      const now = new Date()
      const next = nextRetry(policy, { count, since }, now, Math.random())
      if (!isTransient(error) || next.do === 'give_up') throw error
      if (count === 1 && error instanceof NoServerError) throw error
      if (count === 1) onFirstFailure?.(error)
      await pause(next.at.getTime() - now.getTime(), signal)
    }
  }
}

/** Waits. Throws the signal's reason as soon as it is aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => signal.throwIfAborted())
}
