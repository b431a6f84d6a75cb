import { createHmac, hash, randomBytes } from 'node:crypto'
import type { SigningPorts } from '@rollcall/contracts/agent'

/** Signs with an agent's secret key, by a clock that nobody sets. */
export const signingPorts = (secretKey: string): SigningPorts => ({
  hmac: (text) => createHmac('sha256', secretKey).update(text).digest('base64url'),
  digest: (body) => hash('sha256', body, 'base64url'),
  monotonicMs: () => performance.now(),
  randomName: () => randomBytes(9).toString('base64url'),
})
