import { createHash, createHmac, hash, randomBytes } from 'node:crypto'
import type { SignedBody, SigningPorts } from '@rollcall/contracts/agent'

/** Signs with an agent's secret key, by a clock that nobody sets. */
export const signingPorts = (secretKey: string): SigningPorts => ({
  hmac: (text) => createHmac('sha256', secretKey).update(text).digest('base64url'),
  digest,
  monotonicMs: () => performance.now(),
  randomName: () => randomBytes(9).toString('base64url'),
})

function digest(body: SignedBody): string {
  if (typeof body === 'string') return hash('sha256', body, 'base64url')
  const whole = createHash('sha256')
  for (const piece of body) whole.update(piece)
  return whole.digest('base64url')
}
