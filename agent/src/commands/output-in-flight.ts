/** Bytes of output that are on their way to callers at once; in memory each costs some five times its size. */
const MAX_BYTES = 8 * 1024 * 1024
/** What a call gets although that is reached, so that everybody gets on. */
const MIN_BYTES = 64 * 1024

/** Bounds the memory for output that was read and is not yet sent: who asks for much while there is little room gets less. */
export class OutputInFlight {
  #bytes = 0

  /** How many bytes of those that a caller wants may be read now. */
  room(wantedBytes: number): number {
    return Math.min(wantedBytes, Math.max(MIN_BYTES, MAX_BYTES - this.#bytes))
  }

  /** Counts bytes until the signal aborts, which it does when the answer was sent or its caller has gone. */
  hold(bytes: number, signal: AbortSignal): void {
    if (bytes === 0 || signal.aborted) return
    this.#bytes += bytes
    signal.addEventListener('abort', () => (this.#bytes -= bytes), { once: true })
  }
}
