import { randomBytes, randomUUID } from 'node:crypto'
import { type Identity, makeIdentity } from '../../agent/test/fixtures/certificate.ts'

/** Everything the server knows of an agent, and the agent of itself: with its secrets, so it stays in memory. */
export interface LoadAgent {
  hostId: string
  name: string
  labels: Record<string, string>
  address: string
  port: number
  path: string
  token: string
  secretKey: string
  identity: Identity
}

/** Agents of one kind are numbered from 1. Both ranges end before the kernel's own choice of ports begins. */
const KINDS = {
  sim: { secondOctet: 64, firstPort: 10_000, most: 20_000 },
  real: { secondOctet: 32, firstPort: 8001, most: 500 },
} as const
export type LoadAgentKind = keyof typeof KINDS

const ZONES = ['a', 'b', 'c', 'd']

/**
 * `count` agents called `sim-00001` and so on, each with an address, a port, secrets and a certificate of its own: one in
 * ten is labelled `env=staging`, the others `env=prod`, and `zone` goes round a to d.
 */
export function makeAgents(count: number, kind: LoadAgentKind = 'sim'): LoadAgent[] {
  const { secondOctet, firstPort, most } = KINDS[kind]
  if (count > most) throw new RangeError(`there are ports for ${most} agents of the kind ${kind}`)
  return Array.from({ length: count }, (_, index) => {
    const number = index + 1
    const name = `${kind}-${String(number).padStart(5, '0')}`
    return {
      hostId: randomUUID(),
      name,
      labels: { env: number % 10 === 0 ? 'staging' : 'prod', zone: ZONES[index % ZONES.length] ?? 'a', kind },
      address: `127.${secondOctet}.${number >> 8}.${number & 255}`,
      port: firstPort + index,
      path: randomBytes(16).toString('hex'),
      token: randomBytes(32).toString('base64url'),
      secretKey: randomBytes(32).toString('base64url'),
      identity: makeIdentity(name),
    }
  })
}
