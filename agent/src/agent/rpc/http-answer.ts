import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

const PIECE_BYTES = 64 * 1024
/** How long a caller may read none of its answer, in milliseconds. */
const STALL_MS = 10_000

/**
 * Sends an answer as fast as its caller reads it, and cuts off a caller that reads nothing for `STALL_MS`, to free the memory.
 * `gone` aborts when the response closes.
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
      const hasRoom = response.write(body.subarray(sent, sent + PIECE_BYTES))
      if (!hasRoom) await once(response, 'drain', { signal: gone })
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

const BODY = 'Not Found\n'
const HEAD =
  'HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\n' +
  `Content-Length: ${BODY.length}\r\nConnection: close\r\n\r\n`

/** How long a refused caller has to read its answer, in milliseconds. */
const LINGER_MS = 1000

/**
 * Refuses a caller with the same bytes whatever was wrong, and closes the connection. Bypasses Node's HTTP layer, which would answer
 * some faults with a 400, 408 or 431.
 */
export function refuse(socket: Duplex, method?: string): void {
  if (socket.destroyed) return
  if (!socket.writable) {
    socket.destroy()
    return
  }
  // Unread bytes of a body would make the kernel reset the connection before the caller reads its answer.
  socket.resume()
  const timer = setTimeout(() => socket.destroy(), LINGER_MS)
  socket.once('close', () => clearTimeout(timer))
  socket.end(method === 'HEAD' ? HEAD : HEAD + BODY, () => socket.destroy())
}
