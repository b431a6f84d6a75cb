export interface AttemptLimits {
  windowMs: number
  /** Attempts of one key in a window. */
  max: number
  /** Keys that are counted at once; the one counted longest ago makes room. */
  maxKeys: number
}

/** Counts attempts by key in windows of time. Kept by this process alone. */
export class AttemptWindows {
  private readonly windows = new Map<string, { sinceMs: number; count: number }>()

  constructor(private readonly limits: AttemptLimits) {}

  /** Counts an attempt. Returns whether there was room for it. */
  take(key: string, nowMs: number): boolean {
    const known = this.windows.get(key)
    if (known && nowMs - known.sinceMs < this.limits.windowMs) return ++known.count <= this.limits.max
    this.windows.delete(key)
    const [oldest] = this.windows.keys()
    if (oldest !== undefined && this.windows.size >= this.limits.maxKeys) this.windows.delete(oldest)
    this.windows.set(key, { sinceMs: nowMs, count: 1 })
    return this.limits.max >= 1
  }

  /** Says whether the next attempt would find no room. */
  isFull(key: string, nowMs: number): boolean {
    const known = this.windows.get(key)
    return (
      known !== undefined && nowMs - known.sinceMs < this.limits.windowMs && known.count >= this.limits.max
    )
  }

  /** Takes an attempt back that turned out not to count. */
  giveBack(key: string): void {
    const known = this.windows.get(key)
    if (known && known.count > 0) known.count--
  }
}
