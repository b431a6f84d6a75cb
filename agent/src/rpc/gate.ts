import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { type AgentConfig, ENVELOPE_TYPE, TOKEN_HEADER } from '@rollcall/contracts/agent'

/** Why a caller was refused: for the log alone, the caller always gets the same answer. */
export type Refusal =
  | 'tls.session_reused'
  | 'tls.no_certificate'
  | 'tls.pin_unknown'
  | 'http.method'
  | 'http.path'
  | 'http.content_type'
  | 'http.token'

const CONTENT_TYPE = new RegExp(`^(application/json|${ENVELOPE_TYPE})\\s*(;|$)`, 'i')

const digest = (text: string) => createHash('sha256').update(text).digest()

/** The pin of a public key: SHA-256 over its DER SubjectPublicKeyInfo, as the config writes it. */
export const pinOf = (spki: Buffer): string => `sha256/${createHash('sha256').update(spki).digest('base64')}`

/** Decides who may call. Checks what costs and tells least first, and the token last. */
export class Gate {
  readonly #path: string
  readonly #pins: ReadonlySet<string>
  readonly #tokenDigest: Buffer
  /** What was found of each socket: its certificate cannot change, since TLS 1.3 knows no renegotiation. */
  readonly #checked = new WeakMap<TLSSocket, Refusal | null>()

  constructor(config: AgentConfig) {
    this.#path = `/${config.rpc_path}/rpc`
    this.#pins = new Set(config.server_pins)
    this.#tokenDigest = digest(config.agent_token)
  }

  /**
   * Whether the other side has proven one of the pinned keys. TLS 1.3 verifies the signature of any certificate that is
   * shown, so the pin alone decides and no authority is asked. A resumed session proves nothing and is refused.
   */
  checkSocket(socket: TLSSocket): Refusal | null {
    let refusal = this.#checked.get(socket)
    if (refusal === undefined) {
      refusal = this.#checkCertificate(socket)
      this.#checked.set(socket, refusal)
    }
    return refusal
  }

  #checkCertificate(socket: TLSSocket): Refusal | null {
    if (socket.isSessionReused()) return 'tls.session_reused'
    const certificate = socket.getPeerX509Certificate()
    if (certificate === undefined) return 'tls.no_certificate'
    const pin = pinOf(certificate.publicKey.export({ type: 'spki', format: 'der' }))
    return this.#pins.has(pin) ? null : 'tls.pin_unknown'
  }

  checkRequest(request: Pick<IncomingMessage, 'method' | 'url' | 'headers'>): Refusal | null {
    if (request.method !== 'POST') return 'http.method'
    if (request.url !== this.#path) return 'http.path'
    if (!CONTENT_TYPE.test(request.headers['content-type'] ?? '')) return 'http.content_type'
    const token = request.headers[TOKEN_HEADER]
    // Digests have one length, so the time of the comparison tells neither the token nor how long it is.
    const isRight = timingSafeEqual(digest(typeof token === 'string' ? token : ''), this.#tokenDigest)
    return isRight ? null : 'http.token'
  }
}
