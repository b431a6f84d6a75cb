import { createHash, createHmac, timingSafeEqual, X509Certificate } from 'node:crypto'
import {
  type AgentConfig,
  type Signature,
  type SignedRequest,
  signedText,
  TOKEN_HEADER,
} from '@rollcall/contracts/agent'

const digest = (text: string) => createHash('sha256').update(text).digest()

/** Returns the pin of a public key, as in the config: SHA-256 over its DER SubjectPublicKeyInfo. */
export const toPin = (spki: Buffer): string => `sha256/${createHash('sha256').update(spki).digest('base64')}`

/** Returns the pin of a certificate in PEM. */
const toCertificatePin = (pem: string): string =>
  toPin(new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' }))

export type SlotCredentials = Pick<
  AgentConfig,
  'agent_token' | 'secret_key' | 'rpc_path' | 'server_pins' | 'require_signatures'
> & { certificate: string }

/** One set of credentials that callers may use. There are two during a rotation. */
export class CredentialSlot {
  readonly path: string
  readonly agentPin: string
  readonly requiresSignature: boolean
  readonly #pins: ReadonlySet<string>
  readonly #tokenDigest: Buffer
  readonly #secretKey: string

  constructor(credentials: SlotCredentials) {
    this.path = `/${credentials.rpc_path}/rpc`
    this.agentPin = toCertificatePin(credentials.certificate)
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
    // Digests have equal length, so the comparison time reveals neither the token nor its length.
    return timingSafeEqual(digest(typeof token === 'string' ? token : ''), this.#tokenDigest)
  }

  hasSigned(signature: Signature, request: Omit<SignedRequest, 'agentPin'>): boolean {
    const text = signedText(signature, { ...request, agentPin: this.agentPin })
    const mac = createHmac('sha256', this.#secretKey).update(text).digest()
    const claimed = Buffer.from(signature.mac, 'base64url')
    return claimed.length === mac.length && timingSafeEqual(claimed, mac)
  }
}
