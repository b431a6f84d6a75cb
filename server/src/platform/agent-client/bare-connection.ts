import { connect, type Socket } from 'node:net'
import { errors } from 'undici'

export interface Destination {
  hostname: string
  port: number
  timeoutMs: number
}

/**
 * A TCP connection on which nothing was said yet, or why there is none: the system's own error, or undici's
 * `UND_ERR_CONNECT_TIMEOUT`. Several times cheaper to fail with than a TLS socket: it costs a timer and a packet.
 */
export function bareConnection(
  { hostname, port, timeoutMs }: Destination,
  done: (error: Error | null, socket: Socket | null) => void,
): void {
  const socket = connect({ host: hostname, port })
  let isDecided = false
  const decide = (error: Error | null) => {
    if (isDecided) return
    isDecided = true
    socket.setTimeout(0)
    if (!error) return done(null, socket)
    socket.destroy()
    done(error, null)
  }
  socket.once('connect', () => decide(null))
  // Stays: what befalls it later is told by whatever was put on top of it, which it closes with itself.
  socket.on('error', decide)
  socket.setTimeout(timeoutMs, () =>
    decide(new errors.ConnectTimeoutError(`no connection to ${hostname}:${port} within ${timeoutMs} ms`)),
  )
}
