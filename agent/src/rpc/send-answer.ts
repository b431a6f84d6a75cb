import { once } from 'node:events'
import type { ServerResponse } from 'node:http'

const PIECE_BYTES = 64 * 1024
/** How long a caller may take none of its answer, in milliseconds. */
const STALL_MS = 10_000

/**
 * Sends an answer piece by piece, as its caller takes it: a slow link may take its time, but whoever takes nothing for ten
 * seconds is cut off, so that an answer that nobody reads holds its memory no longer. `gone` aborts when the response closes.
 */
export async function sendAnswer(
  response: ServerResponse,
  body: Buffer,
  gone: AbortSignal,
): Promise<'sent' | 'gone' | 'stalled'> {
  let isStalled = false
  const stall = setTimeout(() => {
    isStalled = true
    response.destroy()
  }, STALL_MS)
  try {
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': body.length })
    let sent = 0
    for (; sent + PIECE_BYTES < body.length; sent += PIECE_BYTES) {
      const isTaken = response.write(body.subarray(sent, sent + PIECE_BYTES))
      if (!isTaken) await once(response, 'drain', { signal: gone })
      stall.refresh()
    }
    response.end(body.subarray(sent))
    if (!response.writableFinished) await once(response, 'finish', { signal: gone })
    return 'sent'
  } catch (error) {
    if ((error as Error).name !== 'AbortError') throw error
    return isStalled ? 'stalled' : 'gone'
  } finally {
    clearTimeout(stall)
  }
}
