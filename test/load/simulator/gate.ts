import { createHash, timingSafeEqual } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { TOKEN_HEADER } from '@rollcall/contracts/agent'
import type { LoadAgent } from '../agents.ts'

const digest = (text: string) => createHash('sha256').update(text).digest()

/** The one answer to every stranger, byte for byte the agent's own. */
export const NOT_FOUND =
  'HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 10\r\nConnection: close\r\n\r\nNot Found\n'

/** Whether the other side proved one of the servers' keys. */
export class PinGate {
  readonly #pins: ReadonlySet<string>
  /** Certificates that were let in, by their bytes: few, and hashing a key costs more than looking one up. */
  readonly #known = new Set<string>()

  constructor(serverPins: readonly string[]) {
    this.#pins = new Set(serverPins)
  }

  isServer(socket: TLSSocket): boolean {
    if (socket.isSessionReused()) return false
    const certificate = socket.getPeerX509Certificate()
    if (certificate === undefined) return false
    const bytes = certificate.raw.toString('base64')
    if (this.#known.has(bytes)) return true
    const spki = certificate.publicKey.export({ type: 'spki', format: 'der' })
    if (!this.#pins.has(`sha256/${createHash('sha256').update(spki).digest('base64')}`)) return false
    this.#known.add(bytes)
    return true
  }
}

/** What the head of a request says to one who is let in; null for a stranger. */
export interface Admitted {
  bodyBytes: number
  expectsContinue: boolean
}

/** `head` is everything before the empty line. */
export function admit(head: string, { path, token }: LoadAgent): Admitted | null {
  const [requestLine, ...lines] = head.split('\r\n')
  const [method, url] = (requestLine ?? '').split(' ')
  if (method !== 'POST' || url !== `/${path}/rpc`) return null
  const headers = new Map(lines.map(readHeader))
  if (!/^application\/json\s*(;|$)/i.test(headers.get('content-type') ?? '')) return null
  if (!timingSafeEqual(digest(headers.get(TOKEN_HEADER) ?? ''), digest(token))) return null
  const bodyBytes = Number(headers.get('content-length'))
  // Servers tell the length of what they send; whoever does not is none.
  if (!Number.isSafeInteger(bodyBytes) || bodyBytes < 0) return null
  return { bodyBytes, expectsContinue: headers.has('expect') }
}

function readHeader(line: string): [string, string] {
  const colon = line.indexOf(':')
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
}
