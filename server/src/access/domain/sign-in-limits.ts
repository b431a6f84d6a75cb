import { RETRY_POLICIES, retryAt } from '@rollcall/contracts'

/** The number of failures without a lock; each further one doubles the lock time. */
const FREE_FAILURES = 5

/** Returns until when the account is locked after consecutive failures; null if it is not. Pure. */
export function lockedUntil(failures: number, now: Date): Date | null {
  if (failures < FREE_FAILURES) return null
  return retryAt(RETRY_POLICIES.signInLock, failures - FREE_FAILURES + 1, now, 1)
}

/** The limit of failures per address for all accounts; per-account locks apply on every server. */
export const FAILURES_BY_ADDRESS = { windowMs: 10 * 60_000, max: 50, maxKeys: 10_000 }
