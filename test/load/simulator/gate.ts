import type { TLSSocket } from 'node:tls'
import { TOKEN_HEADER } from '@rollcall/contracts/agent'
import { type CredentialSlot, toPin } from '../../../agent/test/fixtures/agent-parts.ts'

/** Servers are few. */
const MAX_KNOWN = 100

/** The one answer to every stranger, byte for byte the agent's own. */
export const NOT_FOUND =
  'HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 10\r\nConnection: close\r\n\r\nNot Found\n'

/** Which key callers prove. */
export class PinReader {
  /** By certificates, as bytes: few, and hashing a key costs more than looking one up. */
  readonly #known = new Map<string, string>()

  /** Null where nothing was proven. */
  toPin(socket: TLSSocket): string | null {
    if (socket.isSessionReused()) return null
    const certificate = socket.getPeerX509Certificate()
    if (certificate === undefined) return null
    const bytes = certificate.raw.toString('base64')
    const known = this.#known.get(bytes)
    if (known !== undefined) return known
    const pin = toPin(certificate.publicKey.export({ type: 'spki', format: 'der' }))
    if (this.#known.size < MAX_KNOWN) this.#known.set(bytes, pin)
    return pin
  }
}

/** The head of a request that is let in; null for a stranger. */
export interface Admitted {
  /** The credentials that it may be of: which of them is told by its signature. */
  slots: readonly CredentialSlot[]
  bodyBytes: number
  expectsContinue: boolean
}

/** `head` is everything before the empty line, `pin` what its sender has proven. */
export function admit(head: string, pin: string, slots: readonly CredentialSlot[]): Admitted | null {
  const [requestLine, ...lines] = head.split('\r\n')
  const [method, url] = (requestLine ?? '').split(' ')
  const headers = new Map(lines.map(readHeader))
  const shown = { [TOKEN_HEADER]: headers.get(TOKEN_HEADER) }
  const known = slots.filter((slot) => slot.hasPin(pin) && slot.path === url && slot.hasToken(shown))
  if (method !== 'POST' || known.length === 0) return null
  if (!/^application\/json\s*(;|$)/i.test(headers.get('content-type') ?? '')) return null
  const bodyBytes = Number(headers.get('content-length'))
  // Servers tell the length of what they send; whoever does not is none.
  if (!Number.isSafeInteger(bodyBytes) || bodyBytes < 0) return null
  return { slots: known, bodyBytes, expectsContinue: headers.has('expect') }
}

function readHeader(line: string): [string, string] {
  const colon = line.indexOf(':')
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
}
