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
import { pinOf, type Slot } from './slots.ts'

/** Why a caller was refused: for the log alone, the caller always gets the same answer. */
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
  slot: Slot
  /** What the body must hash to, in base64url; null where the request is not signed. */
  bodyHash: string | null
}

export type Verdict =
  | { kind: 'refused'; reason: Refusal }
  /** Whoever asks holds the secret key and has to sign by our time; only such a one gets to know it. */
  | { kind: 'challenged'; challenge: string }
  | Admitted

const CONTENT_TYPE = new RegExp(`^(application/json|${ENVELOPE_TYPE})\\s*(;|$)`, 'i')

const refused = (reason: Refusal): Verdict => ({ kind: 'refused', reason })

type Head = Pick<IncomingMessage, 'method' | 'url' | 'headers'>

/** Decides who may call. Checks what costs and tells least first. */
export class Gate {
  #slots: readonly Slot[]
  readonly #now: () => number
  readonly #startMs: number
  readonly #replays = new ReplayMemory(randomBytes(12).toString('base64url'))
  /** The pin that each socket has proven, or why it has none: its certificate cannot change, TLS 1.3 knows no renegotiation. */
  readonly #seen = new WeakMap<TLSSocket, { pin: string } | { refusal: Refusal }>()

  /** `monotonicMs` is a clock that nobody sets. */
  constructor(slots: readonly Slot[], monotonicMs: () => number) {
    this.#slots = slots
    this.#now = monotonicMs
    this.#startMs = monotonicMs()
  }

  /** From now on only these count. Nonces stay remembered. */
  use(slots: readonly Slot[]): void {
    this.#slots = slots
  }

  /**
   * Whether the other side has proven one of the pinned keys. TLS 1.3 verifies the signature of any certificate that is
   * shown, so the pin alone decides and no authority is asked. A resumed session proves nothing and is refused.
   */
  checkSocket(socket: TLSSocket): Refusal | null {
    const seen = this.#see(socket)
    if ('refusal' in seen) return seen.refusal
    return this.#slots.some((slot) => slot.hasPin(seen.pin)) ? null : 'tls.pin_unknown'
  }

  #see(socket: TLSSocket): { pin: string } | { refusal: Refusal } {
    let seen = this.#seen.get(socket)
    if (seen === undefined) {
      seen = pinShown(socket)
      this.#seen.set(socket, seen)
    }
    return seen
  }

  /** All that can be said before the body has come. */
  check(socket: TLSSocket, request: Head): Verdict {
    const seen = this.#see(socket)
    if ('refusal' in seen) return refused(seen.refusal)
    const pinned = this.#slots.filter((slot) => slot.hasPin(seen.pin))
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

  #checkSignature(slots: readonly Slot[], header: string, { method, url }: Head): Verdict {
    const signature = parseSignature(header)
    if (signature === null) return refused('signature.malformed')
    // The key comes before epoch and time: nobody else learns whether those were right.
    const slot = slots.find((one) => one.hasSigned(signature, { method: method ?? '', path: url ?? '' }))
    return slot ? this.#checkTime(slot, signature) : refused('signature.wrong')
  }

  #checkTime(slot: Slot, signature: Signature): Verdict {
    const nowMs = Math.floor(this.#now() - this.#startMs)
    const judged = this.#replays.judge(signature, nowMs)
    if (judged === 'replayed') return refused('signature.replayed')
    if (judged === 'stale')
      return { kind: 'challenged', challenge: formatChallenge({ epoch: this.#replays.epoch, timeMs: nowMs }) }
    return { kind: 'admitted', slot, bodyHash: signature.bodyHash }
  }
}

/** Whether a body is the one that was signed. */
export const isSignedBody = (body: Buffer, bodyHash: string | null): boolean =>
  bodyHash === null || createHash('sha256').update(body).digest('base64url') === bodyHash

function pinShown(socket: TLSSocket): { pin: string } | { refusal: Refusal } {
  if (socket.isSessionReused()) return { refusal: 'tls.session_reused' }
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) return { refusal: 'tls.no_certificate' }
  return { pin: pinOf(certificate.publicKey.export({ type: 'spki', format: 'der' })) }
}
