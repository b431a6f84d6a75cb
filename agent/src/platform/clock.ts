/** The processes' view of time, which tests can replace. */
export interface Clock {
  /** Wall clock, milliseconds since 1970: for records. */
  epochMs(): number
  /** Unaffected by changes of the wall clock: for durations. */
  monotonicMs(): number
  /** Calls `action` once, after at least `ms`, which may be arbitrarily large. */
  after(ms: number, action: () => void): { cancel(): void }
}

// setTimeout takes a signed 32-bit delay and fires at once beyond it; a command's timeout may be 30 days.
const MAX_TIMER_MS = 2 ** 31 - 1

export const systemClock: Clock = {
  epochMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(ms, action) {
    const due = performance.now() + ms
    let timer: NodeJS.Timeout
    const arm = () => {
      const left = due - performance.now()
      timer = setTimeout(
        () => (due <= performance.now() ? action() : arm()),
        Math.min(Math.max(left, 0), MAX_TIMER_MS),
      )
    }
    arm()
    return { cancel: () => clearTimeout(timer) }
  },
}
