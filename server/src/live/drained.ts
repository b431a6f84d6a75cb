import { once } from 'node:events'
import type { WebSocket } from 'ws'

/** Above this many unsent bytes a viewer counts as slow: it is fed from the database, at its own pace. */
export const SLOW_BYTES = 1024 * 1024
const DRAIN_CHECK_MS = 50

/** Waits until a slow viewer has taken most of what was sent, or `isStopped` says that nobody waits any more. */
export async function drained(socket: WebSocket, isStopped: () => boolean): Promise<void> {
  while (!isStopped() && socket.readyState === socket.OPEN && socket.bufferedAmount > SLOW_BYTES / 2) {
    const timeout = AbortSignal.timeout(DRAIN_CHECK_MS)
    await once(socket, 'close', { signal: timeout }).catch((error: Error) => {
      if (error.name !== 'AbortError') throw error
    })
  }
}
