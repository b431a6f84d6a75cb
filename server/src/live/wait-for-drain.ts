import { once } from 'node:events'
import type { WebSocket } from 'ws'
import { ignoreAbort } from '../platform/clock/ignore-abort.ts'

/** A viewer with more unsent bytes is slow: it is served from the database, at its own pace. */
export const MAX_UNSENT_BYTES = 1024 * 1024
const DRAIN_CHECK_MS = 50

/** Resolves when a slow viewer has taken most of what was sent, or `isStopped` returns true. */
export async function waitForDrain(socket: WebSocket, isStopped: () => boolean): Promise<void> {
  while (!isStopped() && socket.readyState === socket.OPEN && socket.bufferedAmount > MAX_UNSENT_BYTES / 2) {
    const timeout = AbortSignal.timeout(DRAIN_CHECK_MS)
    await once(socket, 'close', { signal: timeout }).catch(ignoreAbort)
  }
}
