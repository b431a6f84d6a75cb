import { createHash, createHmac, timingSafeEqual, X509Certificate } from 'node:crypto'
import {
  type AgentConfig,
  type Signature,
  type SignedRequest,
  signedText,
  TOKEN_HEADER,
} from '@rollcall/contracts/agent'

const digest = (text: string) => createHash('sha256').update(text).digest()

/** The pin of a public key: SHA-256 over its DER SubjectPublicKeyInfo, as the config writes it. */
export const pinOf = (spki: Buffer): string => `sha256/${createHash('sha256').update(spki).digest('base64')}`

/** The pin of a certificate in PEM. */
export const certificatePin = (pem: string): string =>
  pinOf(new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' }))

export type SlotCredentials = Pick<
  AgentConfig,
  'agent_token' | 'secret_key' | 'rpc_path' | 'server_pins' | 'require_signatures'
> & { certificate: string }

/** One set of credentials that callers may use. While credentials are rotated there are two. */
export class Slot {
  readonly path: string
  readonly agentPin: string
  readonly requiresSignature: boolean
  readonly #pins: ReadonlySet<string>
  readonly #tokenDigest: Buffer
  readonly #secretKey: string

  constructor(credentials: SlotCredentials) {
    this.path = `/${credentials.rpc_path}/rpc`
    this.agentPin = certificatePin(credentials.certificate)
    this.requiresSignature = credentials.require_signatures
    this.#pins = new Set(credentials.server_pins)
    this.#tokenDigest = digest(credentials.agent_token)
    this.#secretKey = credentials.secret_key
  }

  hasPin(pin: string): boolean {
    return this.#pins.has(pin)
  }

  hasToken(headers: Record<string, unknown>): boolean {
    const token = headers[TOKEN_HEADER]
    // Digests have one length, so the time of the comparison tells neither the token nor how long it is.
    return timingSafeEqual(digest(typeof token === 'string' ? token : ''), this.#tokenDigest)
  }

  hasSigned(signature: Signature, request: Omit<SignedRequest, 'agentPin'>): boolean {
    const text = signedText(signature, { ...request, agentPin: this.agentPin })
    const mac = createHmac('sha256', this.#secretKey).update(text).digest()
    const claimed = Buffer.from(signature.mac, 'base64url')
    return claimed.length === mac.length && timingSafeEqual(claimed, mac)
  }
}
