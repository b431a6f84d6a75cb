import { createHash, randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import {
  ENVELOPE_TYPE,
  formatChallenge,
  parseSignature,
  ReplayMemory,
  SIGNATURE_HEADER,
  type Signature,
} from '@rollcall/contracts/agent'
import { type CredentialSlot, toPin } from '../credentials/credential-slot.ts'

/** Why a caller was refused. Logged only: the caller always gets the same answer. */
export type Refusal =
  | 'tls.session_reused'
  | 'tls.no_certificate'
  | 'tls.pin_unknown'
  | 'http.method'
  | 'http.path'
  | 'http.content_type'
  | 'http.token'
  | 'signature.missing'
  | 'signature.malformed'
  | 'signature.wrong'
  | 'signature.replayed'
  | 'signature.other_body'

export interface Admitted {
  kind: 'admitted'
  slot: CredentialSlot
  /** The signed hash of the body, in base64url; null if the request is not signed. */
  bodyHash: string | null
}

export type Verdict =
  | { kind: 'refused'; reason: Refusal }
  /** The caller holds the secret key and must sign again with the agent's time, which only such a caller learns. */
  | { kind: 'challenged'; challenge: string }
  | Admitted

const CONTENT_TYPE = new RegExp(`^(application/json|${ENVELOPE_TYPE})\\s*(;|$)`, 'i')

const refused = (reason: Refusal): Verdict => ({ kind: 'refused', reason })

type PinProof = { pin: string } | { refusal: Refusal }
type Head = Pick<IncomingMessage, 'method' | 'url' | 'headers'>

/** Decides who may call. The cheapest checks that reveal least come first. */
export class Gate {
  #slots: readonly CredentialSlot[]
  readonly #now: () => number
  readonly #startMs: number
  readonly #replays = new ReplayMemory(randomBytes(12).toString('base64url'))
  /** The pin that each socket has proven, or why it has none. It cannot change, since TLS 1.3 has no renegotiation. */
  readonly #proofs = new WeakMap<TLSSocket, PinProof>()

  constructor(slots: readonly CredentialSlot[], monotonicMs: () => number) {
    this.#slots = slots
    this.#now = monotonicMs
    this.#startMs = monotonicMs()
  }

  /** Replaces the accepted credentials. Nonces stay remembered. */
  replaceSlots(slots: readonly CredentialSlot[]): void {
    this.#slots = slots
  }

  /**
   * Checks whether the peer has proven a pinned key. TLS 1.3 verifies possession of the certificate's key, so the pin decides and no
   * authority is needed; a resumed session proves nothing. Returns null if it has.
   */
  checkSocket(socket: TLSSocket): Refusal | null {
    const proof = this.#proofOf(socket)
    if ('refusal' in proof) return proof.refusal
    return this.#slots.some((slot) => slot.hasPin(proof.pin)) ? null : 'tls.pin_unknown'
  }

  #proofOf(socket: TLSSocket): PinProof {
    let proof = this.#proofs.get(socket)
    if (proof === undefined) {
      proof = readPin(socket)
      this.#proofs.set(socket, proof)
    }
    return proof
  }

  /** Checks everything but the body, which has not arrived yet. */
  check(socket: TLSSocket, request: Head): Verdict {
    const proof = this.#proofOf(socket)
    if ('refusal' in proof) return refused(proof.refusal)
    const pinned = this.#slots.filter((slot) => slot.hasPin(proof.pin))
    if (pinned.length === 0) return refused('tls.pin_unknown')
    if (request.method !== 'POST') return refused('http.method')
    const onPath = pinned.filter(({ path }) => path === request.url)
    if (onPath.length === 0) return refused('http.path')
    if (!CONTENT_TYPE.test(request.headers['content-type'] ?? '')) return refused('http.content_type')
    const known = onPath.filter((slot) => slot.hasToken(request.headers))
    if (known.length === 0) return refused('http.token')
    const header = request.headers[SIGNATURE_HEADER]
    if (header !== undefined) return this.#checkSignature(known, String(header), request)
    const slot = known.find(({ requiresSignature }) => !requiresSignature)
    return slot ? { kind: 'admitted', slot, bodyHash: null } : refused('signature.missing')
  }

  #checkSignature(slots: readonly CredentialSlot[], header: string, { method, url }: Head): Verdict {
    const signature = parseSignature(header)
    if (signature === null) return refused('signature.malformed')
    // The key is checked before epoch and time: only its holder learns whether those were right.
    const slot = slots.find((one) => one.hasSigned(signature, { method: method ?? '', path: url ?? '' }))
    return slot ? this.#checkTime(slot, signature) : refused('signature.wrong')
  }

  #checkTime(slot: CredentialSlot, signature: Signature): Verdict {
    const nowMs = Math.floor(this.#now() - this.#startMs)
    const judged = this.#replays.judge(signature, nowMs)
    if (judged === 'replayed') return refused('signature.replayed')
    if (judged === 'stale')
      return { kind: 'challenged', challenge: formatChallenge({ epoch: this.#replays.epoch, timeMs: nowMs }) }
    return { kind: 'admitted', slot, bodyHash: signature.bodyHash }
  }
}

/** Tells whether a body has the signed hash. */
export const isSignedBody = (body: Buffer, bodyHash: string | null): boolean =>
  bodyHash === null || createHash('sha256').update(body).digest('base64url') === bodyHash

/** Returns the pin of the peer's certificate, or why it has proven none. */
function readPin(socket: TLSSocket): PinProof {
  if (socket.isSessionReused()) return { refusal: 'tls.session_reused' }
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) return { refusal: 'tls.no_certificate' }
  return { pin: toPin(certificate.publicKey.export({ type: 'spki', format: 'der' })) }
}
