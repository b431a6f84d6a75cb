import { AttemptWindows } from '../../platform/network/attempt-windows.ts'

const WINDOW_MS = 60_000
const MAX_CALLERS = 1000
const MAX_NAMED = 20

export interface RefusalLimits {
  /** Refusals of one caller that are written down in a minute; more are counted. */
  perCaller: number
  /** The count of all callers together. */
  inAll: number
}

/** Refusals without an entry of their own. */
export interface Unwritten {
  count: number
  /** The callers that were refused most, with how often. */
  callers: Record<string, number>
}

/** Decides which refusals are written down one by one, and counts the others. */
export class RefusalWindows {
  private readonly callers: AttemptWindows
  private readonly all: AttemptWindows
  private readonly unwritten = new Map<string, number>()
  private unwrittenCount = 0

  constructor({ perCaller, inAll }: RefusalLimits) {
    this.callers = new AttemptWindows({ windowMs: WINDOW_MS, max: perCaller, maxKeys: MAX_CALLERS })
    this.all = new AttemptWindows({ windowMs: WINDOW_MS, max: inAll, maxKeys: 1 })
  }

  /** Counts a refusal and says whether it is written down. */
  take(caller: string, nowMs: number): boolean {
    if (this.callers.take(caller, nowMs) && this.all.take('all', nowMs)) return true
    this.unwrittenCount++
    if (this.unwritten.has(caller) || this.unwritten.size < MAX_CALLERS)
      this.unwritten.set(caller, (this.unwritten.get(caller) ?? 0) + 1)
    return false
  }

  /** Takes what was not written down since this was called last; null for nothing. */
  takeUnwritten(): Unwritten | null {
    if (this.unwrittenCount === 0) return null
    const most = [...this.unwritten].toSorted(([, a], [, b]) => b - a).slice(0, MAX_NAMED)
    const unwritten = { count: this.unwrittenCount, callers: Object.fromEntries(most) }
    this.unwritten.clear()
    this.unwrittenCount = 0
    return unwritten
  }
}
