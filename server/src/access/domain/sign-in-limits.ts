import { RETRY_POLICIES, retryAt } from '@rollcall/contracts'

/** Wrong answers that are free; each one after that locks the account twice as long as the one before. */
const FREE_FAILURES = 5

/** Until when an account is locked after so many wrong answers in a row; null while they are free. Pure. */
export function lockedUntil(failures: number, now: Date): Date | null {
  if (failures < FREE_FAILURES) return null
  return retryAt(RETRY_POLICIES.signInLock, failures - FREE_FAILURES + 1, now, 1)
}

/** How often an address may fail at something, whoever it claims to be. The accounts' own locks hold on every server. */
export const FAILURES_BY_ADDRESS = { windowMs: 10 * 60_000, max: 50, maxKeys: 10_000 }
