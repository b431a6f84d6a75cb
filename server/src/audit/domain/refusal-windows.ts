import { AttemptWindows } from '../../platform/network/attempt-windows.ts'

const WINDOW_MS = 60_000
const MAX_CALLERS = 1000
const MAX_LISTED_CALLERS = 20

export interface RefusalLimits {
  /** The number of refusals per caller and minute that are recorded; more are only counted. */
  perCaller: number
  /** The number for all callers together. */
  total: number
}

/** The refusals without an entry of their own. */
export interface UnrecordedRefusals {
  count: number
  /** The callers refused most often, with their counts. */
  callers: Record<string, number>
}

/** Decides which refusals are recorded individually, and counts the others. */
export class RefusalWindows {
  private readonly callers: AttemptWindows
  private readonly all: AttemptWindows
  private readonly unrecorded = new Map<string, number>()
  private unrecordedCount = 0

  constructor({ perCaller, total: inAll }: RefusalLimits) {
    this.callers = new AttemptWindows({ windowMs: WINDOW_MS, max: perCaller, maxKeys: MAX_CALLERS })
    this.all = new AttemptWindows({ windowMs: WINDOW_MS, max: inAll, maxKeys: 1 })
  }

  /** Counts a refusal and returns whether to record it. */
  take(caller: string, nowMs: number): boolean {
    if (this.callers.count(caller, nowMs) && this.all.count('all', nowMs)) return true
    this.unrecordedCount++
    if (this.unrecorded.has(caller) || this.unrecorded.size < MAX_CALLERS)
      this.unrecorded.set(caller, (this.unrecorded.get(caller) ?? 0) + 1)
    return false
  }

  /** Returns and resets the refusals counted since the last call; null if there are none. */
  takeUnrecorded(): UnrecordedRefusals | null {
    if (this.unrecordedCount === 0) return null
    const most = [...this.unrecorded].toSorted(([, a], [, b]) => b - a).slice(0, MAX_LISTED_CALLERS)
    const unwritten = { count: this.unrecordedCount, callers: Object.fromEntries(most) }
    this.unrecorded.clear()
    this.unrecordedCount = 0
    return unwritten
  }
}
