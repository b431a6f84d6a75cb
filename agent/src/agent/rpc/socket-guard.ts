import type { Socket } from 'node:net'
import { Admissions, type Stranger, toLimits, toSource } from './admission.ts'

/** How long a socket may stay open without proving a pinned key, in milliseconds. */
const STRANGER_LIFE_MS = 10_000

interface Entry {
  socket: Socket
  stranger: Stranger
  isTrusted: boolean
  timer: NodeJS.Timeout
}

const toName = (socket: Socket) => `${socket.remoteAddress}:${socket.remotePort}`

/** Limits open sockets as `Admissions` decides, so that strangers cannot lock out the server. */
export class SocketGuard {
  readonly #admissions: Admissions
  readonly #now: () => number
  readonly #entries = new Map<string, Entry>()
  readonly #byStranger = new Map<Stranger, Entry>()

  constructor(limit: number, now: () => number) {
    this.#admissions = new Admissions(toLimits(limit))
    this.#now = now
  }

  /** Admits a TCP connection before its handshake. Returns false if it was closed. */
  admit(socket: Socket): boolean {
    const { admission, stranger } = this.#admissions.admit(toSource(socket.remoteAddress), this.#now())
    if (stranger === null || admission.kind === 'refused') {
      socket.destroy()
      return false
    }
    if (admission.displaced !== null) this.#byStranger.get(admission.displaced)?.socket.destroy()
    const name = toName(socket)
    const timer = setTimeout(() => socket.destroy(), STRANGER_LIFE_MS)
    const entry = { socket, stranger, isTrusted: false, timer }
    this.#entries.set(name, entry)
    this.#byStranger.set(stranger, entry)
    socket.once('close', () => this.#closed(name, entry))
    return true
  }

  /** Marks a connection as trusted once its TLS socket has proven a pinned key. */
  trust(socket: Socket): void {
    const entry = this.#entries.get(toName(socket))
    if (entry === undefined || entry.isTrusted) return
    entry.isTrusted = true
    clearTimeout(entry.timer)
    this.#admissions.trust(entry.stranger)
  }

  #closed(name: string, entry: Entry): void {
    clearTimeout(entry.timer)
    if (this.#entries.get(name) === entry) this.#entries.delete(name)
    this.#byStranger.delete(entry.stranger)
    if (entry.isTrusted) this.#admissions.leaveTrusted()
    else this.#admissions.leave(entry.stranger)
  }
}
