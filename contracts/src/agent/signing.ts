/**
 * Signed requests. Every request carries, in one header, an HMAC-SHA256 keyed by the agent's secret key over what is asked,
 * for which agent, and when: so a captured request opens nothing a second time, and a leaked token alone opens nothing.
 *
 * "When" is the agent's own monotonic time since its process began, its _epoch_. No wall clock is asked, so a host whose
 * clock is wrong, or is set, is called like any other; and an agent that was restarted has another epoch, so that what an
 * earlier life accepted means nothing to it. A caller learns both from a challenge, which only the holder of the key gets.
 */

/** The header that carries a request's signature. */
export const SIGNATURE_HEADER = 'x-rollcall-signature'
/** The header that reports, with HTTP 401, the epoch and time to sign by. */
export const CHALLENGE_HEADER = 'x-rollcall-challenge'

/** A request that is older by the agent's time is refused, in milliseconds: longer than one may wait on a slow link. */
export const SIGNATURE_AGE_MS = 60_000
/** How far ahead of the agent's time a request may be: what two monotonic clocks drift apart in some hours. */
export const SIGNATURE_AHEAD_MS = 2000
/** The epoch of a caller that does not know the agent's yet: its request is never carried out, only challenged. */
export const NO_EPOCH = 'unknown'

export interface Signature {
  epoch: string
  /** Milliseconds since the epoch, by the agent's monotonic clock as the caller knows it. */
  timeMs: number
  nonce: string
  /** SHA-256 of the body, base64url. */
  bodyHash: string
  /** HMAC-SHA256 of `signedText`, base64url. */
  mac: string
}

export interface Challenge {
  epoch: string
  timeMs: number
}

/** The signed parts of a request, beside its signature's own fields. */
export interface SignedRequest {
  method: string
  /** As in the request line. */
  path: string
  /** The pin of the agent's certificate: what was meant for one agent is nothing to another. */
  agentPin: string
}

/** Returns the text that the MAC covers. No field can hold a line break, so no two requests have the same text. */
export const signedText = (of: Omit<Signature, 'mac'>, { method, path, agentPin }: SignedRequest): string =>
  `rollcall 1\n${of.epoch}\n${of.timeMs}\n${of.nonce}\n${of.bodyHash}\n${method}\n${path}\n${agentPin}`

export const formatSignature = ({ epoch, timeMs, nonce, bodyHash, mac }: Signature): string =>
  `1.${epoch}.${timeMs}.${nonce}.${bodyHash}.${mac}`

const SIGNATURE =
  /^1\.([A-Za-z0-9_-]{1,64})\.(\d{1,15})\.([A-Za-z0-9_-]{8,48})\.([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{43})$/

/** Parses a signature. Returns null for anything else. */
export function parseSignature(header: string): Signature | null {
  const [, epoch, timeMs, nonce, bodyHash, mac] = SIGNATURE.exec(header) ?? []
  if (!epoch || !timeMs || !nonce || !bodyHash || !mac) return null
  return { epoch, timeMs: Number(timeMs), nonce, bodyHash, mac }
}

export const formatChallenge = ({ epoch, timeMs }: Challenge): string => `1.${epoch}.${timeMs}`

/** Parses a challenge. Returns null for anything else. */
export function parseChallenge(header: string): Challenge | null {
  const [, epoch, timeMs] = /^1\.([A-Za-z0-9_-]{1,64})\.(\d{1,15})$/.exec(header) ?? []
  return epoch && timeMs ? { epoch, timeMs: Number(timeMs) } : null
}

/** Nonces in one of two generations. */
const MAX_NONCES = 8192

/**
 * The memory by which an agent accepts nothing twice: the nonces of the last requests, at most 16,384. If it had to
 * forget some that are not too old yet, it takes nothing any more that is as old as those.
 */
export class ReplayMemory {
  #recent = new Set<string>()
  #older = new Set<string>()
  #recentMaxMs = -1
  #olderMaxMs = -1
  #floorMs = -1
  readonly epoch: string

  constructor(epoch: string) {
    this.epoch = epoch
  }

  /** `timely` is said once of each nonce. `stale` asks the caller to sign anew; only say it to who has proven the key. */
  judge({ epoch, timeMs, nonce }: Signature, nowMs: number): 'timely' | 'stale' | 'replayed' {
    if (epoch !== this.epoch) return 'stale'
    if (timeMs < nowMs - SIGNATURE_AGE_MS || timeMs > nowMs + SIGNATURE_AHEAD_MS) return 'stale'
    if (this.#recent.has(nonce) || this.#older.has(nonce)) return 'replayed'
    if (timeMs <= this.#floorMs) return 'stale'
    if (this.#recent.size >= MAX_NONCES) this.#forgetOlder()
    this.#recent.add(nonce)
    this.#recentMaxMs = Math.max(this.#recentMaxMs, timeMs)
    return 'timely'
  }

  #forgetOlder(): void {
    this.#floorMs = Math.max(this.#floorMs, this.#olderMaxMs)
    this.#older = this.#recent
    this.#olderMaxMs = this.#recentMaxMs
    this.#recent = new Set()
    this.#recentMaxMs = -1
  }
}

/** A body as text, or as bytes in pieces that follow one another. */
export type SignedBody = string | readonly Uint8Array[]

/** The ports that signing needs. */
export interface SigningPorts {
  /** HMAC-SHA256, base64url. */
  hmac(text: string): string
  /** SHA-256, base64url. */
  digest(body: SignedBody): string
  monotonicMs(): number
  /** Returns random text of at least 12 characters of base64url. Called once. */
  randomName(): string
}

/** Signs for one agent by its last challenge. Before the first challenge it signs for no epoch. */
export class RequestSigner {
  #epoch = NO_EPOCH
  #offsetMs = 0
  #count = 0
  readonly #name: string
  readonly #ports: SigningPorts

  constructor(ports: SigningPorts) {
    this.#ports = ports
    this.#name = ports.randomName()
  }

  sign(body: SignedBody, request: SignedRequest): string {
    const unsigned = {
      epoch: this.#epoch,
      timeMs: Math.max(0, Math.floor(this.#ports.monotonicMs() + this.#offsetMs)),
      nonce: `${this.#name}-${(this.#count++).toString(36)}`,
      bodyHash: this.#ports.digest(body),
    }
    return formatSignature({ ...unsigned, mac: this.#ports.hmac(signedText(unsigned, request)) })
  }

  /** Call it at once: our idea of the agent's time then lags by the way of the challenge, and is never ahead of it. */
  learn({ epoch, timeMs }: Challenge): void {
    this.#epoch = epoch
    this.#offsetMs = timeMs - this.#ports.monotonicMs()
  }
}
