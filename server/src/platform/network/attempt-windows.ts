export interface AttemptLimits {
  windowMs: number
  /** Attempts per key and window. */
  max: number
  /** The maximum number of keys; the oldest is evicted. */
  maxKeys: number
}

/** Counts attempts by key in time windows, in memory of this process. */
export class AttemptWindows {
  private readonly windows = new Map<string, { sinceMs: number; count: number }>()

  constructor(private readonly limits: AttemptLimits) {}

  /** Counts an attempt. Returns whether it is within the limit. */
  count(key: string, nowMs: number): boolean {
    const known = this.windows.get(key)
    if (known && nowMs - known.sinceMs < this.limits.windowMs) return ++known.count <= this.limits.max
    this.windows.delete(key)
    const [oldest] = this.windows.keys()
    if (oldest !== undefined && this.windows.size >= this.limits.maxKeys) this.windows.delete(oldest)
    this.windows.set(key, { sinceMs: nowMs, count: 1 })
    return this.limits.max >= 1
  }

  /** Returns whether the next attempt would exceed the limit. */
  isFull(key: string, nowMs: number): boolean {
    const known = this.windows.get(key)
    return (
      known !== undefined && nowMs - known.sinceMs < this.limits.windowMs && known.count >= this.limits.max
    )
  }

  /** Refunds an attempt that turned out not to count. */
  refund(key: string): void {
    const known = this.windows.get(key)
    if (known && known.count > 0) known.count--
  }
}
