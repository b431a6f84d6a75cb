/** What a request may have by default. */
const BYTES = 2 * 1024 * 1024
const SMALL_BYTES = 64 * 1024

/**
 * Buffers for requests that carry content, used again as long as such requests come: new ones for each would have V8 collect garbage every
 * few requests.
 */
export class LargeBuffers {
  readonly #most: number
  readonly #free: Buffer[] = []
  #inUse = 0

  constructor(most: number) {
    this.#most = most
  }

  /** For a request of that length. Null for what carries no content, and where too many are in use. */
  take(bytes: number): Buffer | null {
    if (!(bytes > SMALL_BYTES && bytes <= BYTES)) {
      // A heartbeat while nothing is being sent: what is not needed is let go.
      if (this.#inUse === 0) this.#free.length = 0
      return null
    }
    if (this.#inUse >= this.#most) return null
    this.#inUse++
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(BYTES)
  }

  give(buffer: Buffer): void {
    this.#inUse--
    this.#free.push(buffer)
  }
}
