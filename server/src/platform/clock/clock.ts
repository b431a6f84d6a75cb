import { setTimeout as delay } from 'node:timers/promises'

/** The server's source of time; specs replace it by a manual one. */
export abstract class Clock {
  abstract now(): Date
  /** Resolves after `ms` milliseconds, or rejects with an AbortError. */
  abstract sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export class SystemClock extends Clock {
  override now() {
    return new Date()
  }

  override sleep(ms: number, signal?: AbortSignal) {
    return delay(ms, undefined, { ...(signal && { signal }) })
  }
}
