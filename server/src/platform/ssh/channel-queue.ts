import { promisifyCall } from './promisify-call.ts'

/** Serialises channels, because a host may allow only one per connection (`MaxSessions 1`). */
export class ChannelQueue {
  #last: Promise<void> = Promise.resolve()

  /** Waits for its turn, then runs `work`. Throws what `work` throws, or the signal's reason while waiting. */
  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const before = this.#last
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#last = promise
    try {
      await promisifyCall<void>(signal, (done) => void before.then(() => done()))
      return await work()
    } finally {
      // A cancelled waiter must not let the next one overtake those before it.
      void before.then(resolve)
    }
  }
}
