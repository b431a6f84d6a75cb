import { nextRetry, RETRY_POLICIES } from '@rollcall/contracts'

/** Bytes of one piece. */
const MAX_BYTES = 8192

/**
 * Sends input to a host in order, each byte once. Input that comes while a piece is sent goes into the next one. A piece that may
 * have been lost is sent again from the same offset; the host skips what it has.
 */
export class InputQueue {
  #pending: number[] = []
  #isSending = false
  #isClosed = false

  constructor(
    private offset: number,
    private readonly send: (offset: number, data: string) => Promise<{ nextOffset: number }>,
    private readonly on: {
      /** Tells whether a retry may help. */
      isPassing(error: unknown): boolean
      failed(error: unknown): void
      wait(ms: number): Promise<void>
      /** Returns the host's input offset while others type as well; undefined otherwise. Asked before each piece. */
      offset?(): Promise<number> | undefined
    },
  ) {}

  push(bytes: Uint8Array): void {
    if (this.#isClosed) return
    for (const byte of bytes) this.#pending.push(byte)
    if (!this.#isSending) void this.#flush()
  }

  close(): void {
    this.#isClosed = true
  }

  async #flush(): Promise<void> {
    this.#isSending = true
    while (this.#pending.length > 0 && !this.#isClosed) {
      const piece = this.#pending.slice(0, MAX_BYTES)
      if (!(await this.#deliver(btoa(String.fromCharCode(...piece)), piece.length))) break
      this.#pending.splice(0, piece.length)
    }
    this.#isSending = false
  }

  async #deliver(data: string, size: number): Promise<boolean> {
    let isPlaced = false
    for (let attempt = 1; ; attempt++) {
      try {
        // Once it may have been sent its place stays: the host knows by it what it has.
        if (!isPlaced) this.offset = (await this.on.offset?.()) ?? this.offset
        isPlaced = true
        await this.send(this.offset, data)
        this.offset += size
        return true
      } catch (error) {
        if (this.#isClosed) return false
        const now = new Date()
        const failures = { count: attempt, since: now }
        const next = nextRetry(RETRY_POLICIES.terminalInput, failures, now, Math.random())
        if (next.do === 'retry' && this.on.isPassing(error))
          await this.on.wait(next.at.getTime() - now.getTime())
        else {
          this.#pending = []
          this.on.failed(error)
          return false
        }
      }
    }
  }
}
