import type { Socket } from 'node:net'
import { Admissions, boundsFor, type Stranger } from './admission.ts'
import { sourceOf } from './source-address.ts'

/** How long a socket may live before it has proven a pinned key, in milliseconds. */
const STRANGER_LIFE_MS = 10_000

interface Entry {
  socket: Socket
  stranger: Stranger
  isTrusted: boolean
  timer: NodeJS.Timeout
}

const nameOf = (socket: Socket) => `${socket.remoteAddress}:${socket.remotePort}`

/** Bounds the open sockets as `Admissions` decides, so that strangers can keep the agent busy but never keep its server out. */
export class SocketGuard {
  readonly #admissions: Admissions
  readonly #now: () => number
  readonly #entries = new Map<string, Entry>()
  readonly #byStranger = new Map<Stranger, Entry>()

  constructor(limit: number, now: () => number) {
    this.#admissions = new Admissions(boundsFor(limit))
    this.#now = now
  }

  /** Called for every TCP connection before its handshake; `false` when it was closed again. */
  admit(socket: Socket): boolean {
    const { admission, stranger } = this.#admissions.admit(sourceOf(socket.remoteAddress), this.#now())
    if (stranger === null || admission.kind === 'refused') {
      socket.destroy()
      return false
    }
    if (admission.displaced !== null) this.#byStranger.get(admission.displaced)?.socket.destroy()
    const name = nameOf(socket)
    const timer = setTimeout(() => socket.destroy(), STRANGER_LIFE_MS)
    const entry = { socket, stranger, isTrusted: false, timer }
    this.#entries.set(name, entry)
    this.#byStranger.set(stranger, entry)
    socket.once('close', () => this.#closed(name, entry))
    return true
  }

  /** Called when the TLS socket over an admitted connection has proven a pinned key. */
  trust(socket: Socket): void {
    const entry = this.#entries.get(nameOf(socket))
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
