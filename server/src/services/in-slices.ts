import { setImmediate as afterEvents } from 'node:timers/promises'

/** How long the event loop is held at once: requests and heartbeats wait no longer than this and one step. */
const SLICE_MS = 5

/**
 * Runs steps to their end, and lets the event loop do its work between slices of them. Resolves to what the steps
 * return; rejects with the reason of `signal` when that is aborted between slices.
 */
export async function runInSlices<T>(steps: Generator<void, T>, signal?: AbortSignal): Promise<T> {
  for (;;) {
    const ends = performance.now() + SLICE_MS
    while (performance.now() < ends) {
      const step = steps.next()
      if (step.done) return step.value
    }
    await afterEvents()
    signal?.throwIfAborted()
  }
}
