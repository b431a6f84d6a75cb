import { createHash, createHmac, randomBytes } from 'node:crypto'
import {
  formatChallenge,
  parseSignature,
  ReplayMemory,
  SIGNATURE_HEADER,
  signedText,
} from '@rollcall/contracts/agent'
import type { LoadAgent } from '../agents.ts'

const LINE = new RegExp(`\r\n${SIGNATURE_HEADER}: *([^\r]*)`, 'i')

/** The head without its signature, so that heads of one connection stay alike, and that signature. */
export function withoutSignature(head: string): { head: string; signature: string | null } {
  const found = LINE.exec(head)
  if (!found) return { head, signature: null }
  return { head: head.replace(found[0], ''), signature: found[1] ?? null }
}

/** What one life of an agent knows of the requests that it accepted. */
export class SignatureGate {
  readonly #agent: LoadAgent
  readonly #replays = new ReplayMemory(randomBytes(12).toString('base64url'))
  readonly #startMs = performance.now()

  constructor(agent: LoadAgent) {
    this.#agent = agent
  }

  /** As the real agent judges: whoever does not hold the key is refused whatever else is right. */
  check(header: string, body: string): 'admitted' | 'refused' | { challenge: string } {
    const { path, secretKey, identity } = this.#agent
    const signature = parseSignature(header)
    if (!signature) return 'refused'
    const text = signedText(signature, { method: 'POST', path: `/${path}/rpc`, agentPin: identity.pin })
    if (createHmac('sha256', secretKey).update(text).digest('base64url') !== signature.mac) return 'refused'
    const timeMs = Math.floor(performance.now() - this.#startMs)
    const verdict = this.#replays.judge(signature, timeMs)
    if (verdict === 'replayed') return 'refused'
    if (verdict === 'stale') return { challenge: formatChallenge({ epoch: this.#replays.epoch, timeMs }) }
    return createHash('sha256').update(body).digest('base64url') === signature.bodyHash
      ? 'admitted'
      : 'refused'
  }
}
