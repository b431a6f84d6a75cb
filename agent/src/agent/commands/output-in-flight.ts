/** Maximum bytes of output being sent at once; each costs some five times its size in memory. */
const MAX_BYTES = 8 * 1024 * 1024
/** Bytes that each call may read even beyond the maximum, so that every caller makes progress. */
const MIN_BYTES = 64 * 1024

/** Bounds the memory for output that was read and not yet sent. */
export class OutputInFlight {
  #bytes = 0

  /** Returns how many of the wanted bytes may be read now. */
  grant(wantedBytes: number): number {
    return Math.min(wantedBytes, Math.max(MIN_BYTES, MAX_BYTES - this.#bytes))
  }

  /** Counts bytes until the signal aborts: the answer was sent, or its caller has gone. */
  count(bytes: number, signal: AbortSignal): void {
    if (bytes === 0 || signal.aborted) return
    this.#bytes += bytes
    signal.addEventListener('abort', () => (this.#bytes -= bytes), { once: true })
  }
}
