interface Piece {
  stop: AbortController
  done: Promise<void>
}

/** Work that outlives the run which began it: one piece for each key, every one with a stop of its own, and `max` at once. */
export class RunningWork {
  readonly #pieces = new Map<string, Piece>()
  readonly #max: number
  readonly #onEnd: () => void

  /** `onEnd` is called after each piece, once there is room again. */
  constructor(max: number, onEnd: () => void = () => undefined) {
    this.#max = max
    this.#onEnd = onEnd
  }

  /** How many more pieces may begin. */
  get room(): number {
    return this.#max - this.#pieces.size
  }

  keys(): string[] {
    return [...this.#pieces.keys()]
  }

  has(key: string): boolean {
    return this.#pieces.has(key)
  }

  /** Begins a piece unless one of its key runs or there is no room. Returns whether it began; `report` tells an error that ends it. */
  begin(
    key: string,
    work: (stop: AbortController) => Promise<void>,
    report: (error: unknown) => void,
  ): boolean {
    if (this.has(key) || this.room <= 0) return false
    const stop = new AbortController()
    const done = work(stop)
      .catch(report)
      .finally(() => {
        this.#pieces.delete(key)
        this.#onEnd()
      })
    this.#pieces.set(key, { stop, done })
    return true
  }

  /** Has the piece of a key end, if one runs. */
  stop(key: string, reason?: unknown): void {
    this.#pieces.get(key)?.stop.abort(reason)
  }

  stopAll(reason?: unknown): void {
    for (const { stop } of this.#pieces.values()) stop.abort(reason)
  }

  /** Resolves when all that runs has ended. */
  async drain(): Promise<void> {
    await Promise.all([...this.#pieces.values()].map(({ done }) => done))
  }
}
