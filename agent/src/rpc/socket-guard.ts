import type { Socket } from 'node:net'

/** How long a socket may live before it has proven a pinned key, in milliseconds. */
const STRANGER_LIFE_MS = 10_000

interface Entry {
  socket: Socket
  isTrusted: boolean
  timer: NodeJS.Timeout
}

const nameOf = (socket: Socket) => `${socket.remoteAddress}:${socket.remotePort}`

/**
 * Bounds the open sockets. When all are taken, a new one displaces the oldest stranger, so that strangers can keep the agent
 * busy but never keep its server out.
 */
export class SocketGuard {
  readonly #limit: number
  readonly #entries = new Map<string, Entry>()

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Called for every TCP connection before its handshake; `false` when it was closed again. */
  admit(socket: Socket): boolean {
    if (this.#entries.size >= this.#limit && !this.#evictOldestStranger()) {
      socket.destroy()
      return false
    }
    const name = nameOf(socket)
    const timer = setTimeout(() => socket.destroy(), STRANGER_LIFE_MS)
    const entry = { socket, isTrusted: false, timer }
    this.#entries.set(name, entry)
    socket.once('close', () => {
      clearTimeout(timer)
      if (this.#entries.get(name) === entry) this.#entries.delete(name)
    })
    return true
  }

  /** Called when the TLS socket over an admitted connection has proven a pinned key. */
  trust(socket: Socket): void {
    const entry = this.#entries.get(nameOf(socket))
    if (entry === undefined) return
    entry.isTrusted = true
    clearTimeout(entry.timer)
  }

  #evictOldestStranger(): boolean {
    for (const [name, entry] of this.#entries) {
      if (entry.isTrusted) continue
      this.#entries.delete(name)
      entry.socket.destroy()
      return true
    }
    return false
  }
}
