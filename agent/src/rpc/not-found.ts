import type { Duplex } from 'node:stream'

const BODY = 'Not Found\n'
const HEAD =
  'HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\n' +
  `Content-Length: ${BODY.length}\r\nConnection: close\r\n\r\n`

/** How long a refused caller has to take its answer, in milliseconds. */
const LINGER_MS = 1000

/**
 * Refuses a caller with the one answer that tells nothing: the same bytes whatever was wrong, no date, and the connection
 * closed. Written past Node's own HTTP layer, which would answer some faults with a 400, 408 or 431 of its own.
 */
export function refuse(socket: Duplex, method?: string): void {
  if (socket.destroyed) return
  if (!socket.writable) {
    socket.destroy()
    return
  }
  // Unread bytes of a body would make the kernel reset the connection before the caller has read its answer.
  socket.resume()
  const timer = setTimeout(() => socket.destroy(), LINGER_MS)
  socket.once('close', () => clearTimeout(timer))
  socket.end(method === 'HEAD' ? HEAD : HEAD + BODY, () => socket.destroy())
}
