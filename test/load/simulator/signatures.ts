import { createHash, randomBytes } from 'node:crypto'
import { formatChallenge, parseSignature, ReplayMemory, SIGNATURE_HEADER } from '@rollcall/contracts/agent'
import type { CredentialSlot } from '../../../agent/test/fixtures/agent-parts.ts'

const LINE = new RegExp(`\r\n${SIGNATURE_HEADER}: *([^\r]*)`, 'i')

/** The head without its signature, so that heads of one connection stay alike, and that signature. */
export function withoutSignature(head: string): { head: string; signature: string | null } {
  const found = LINE.exec(head)
  if (!found) return { head, signature: null }
  return { head: head.replace(found[0], ''), signature: found[1] ?? null }
}

/** The accepted requests of one life of an agent. */
export class SignatureGate {
  readonly #replays = new ReplayMemory(randomBytes(12).toString('base64url'))
  readonly #startMs = performance.now()

  /**
   * As the real agent judges: whoever does not hold the key is refused whatever else is right. Null for a request without a
   * signature.
   */
  check(
    header: string | null,
    body: string,
    slots: readonly CredentialSlot[],
  ): CredentialSlot | 'refused' | { challenge: string } {
    if (header === null) return slots.find(({ requiresSignature }) => !requiresSignature) ?? 'refused'
    const signature = parseSignature(header)
    if (!signature) return 'refused'
    const slot = slots.find((one) => one.hasSigned(signature, { method: 'POST', path: one.path }))
    if (!slot) return 'refused'
    const timeMs = Math.floor(performance.now() - this.#startMs)
    const verdict = this.#replays.judge(signature, timeMs)
    if (verdict === 'replayed') return 'refused'
    if (verdict === 'stale') return { challenge: formatChallenge({ epoch: this.#replays.epoch, timeMs }) }
    return createHash('sha256').update(body).digest('base64url') === signature.bodyHash ? slot : 'refused'
  }
}
