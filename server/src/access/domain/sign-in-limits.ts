/** Wrong answers that are free; each one after that locks the account twice as long as the one before. */
const FREE_FAILURES = 5
const FIRST_LOCK_MS = 30_000
const LONGEST_LOCK_MS = 15 * 60_000

/** Until when an account is locked after so many wrong answers in a row; null while they are free. Pure. */
export function lockedUntil(failures: number, now: Date): Date | null {
  if (failures < FREE_FAILURES) return null
  const lockMs = Math.min(LONGEST_LOCK_MS, FIRST_LOCK_MS * 2 ** Math.min(20, failures - FREE_FAILURES))
  return new Date(now.getTime() + lockMs)
}

const WINDOW_MS = 10 * 60_000
const MOST_PER_WINDOW = 50
const MOST_KEPT = 10_000

/** How often an address may try something, whoever it claims to be. Kept by this process alone; the accounts' locks hold everywhere. */
export class AttemptsByAddress {
  private readonly windows = new Map<string, { sinceMs: number; count: number }>()

  /** Counts an attempt and says whether there was room for it. */
  take(what: string, nowMs: number): boolean {
    const known = this.windows.get(what)
    if (known && nowMs - known.sinceMs < WINDOW_MS) return ++known.count <= MOST_PER_WINDOW
    this.windows.delete(what)
    const [oldest] = this.windows.keys()
    if (oldest !== undefined && this.windows.size >= MOST_KEPT) this.windows.delete(oldest)
    this.windows.set(what, { sinceMs: nowMs, count: 1 })
    return true
  }
}
