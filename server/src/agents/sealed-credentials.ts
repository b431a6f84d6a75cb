import { createIdentity } from '../platform/crypto/certificates.ts'
import type { Sealer } from '../platform/crypto/sealer.ts'
import { selectColumns, toColumn } from '../platform/prisma/columns.ts'
import { type AgentCredentials, newSecrets } from './domain/credentials.ts'

/** A table with credentials of hosts' agents: those in use, or the other ones of a rotation. */
type Holder = 'agent' | 'rotation'
type Sealed = Uint8Array<ArrayBuffer>

const PLAIN = ['rpcPath', 'certificate', 'certificatePin', 'serverPin'] as const
const SEALED = ['token', 'secretKey', 'privateKey'] as const
const NAMES = [...PLAIN, ...SEALED]

/** Credentials as either table stores them. */
export type SealedCredentials = Record<(typeof PLAIN)[number], string> &
  Record<(typeof SEALED)[number], Sealed>

/** SQL: the columns of `holder` that make up `SealedCredentials`. */
export const credentialColumns = (holder: Holder): string => selectColumns(holder, NAMES)

/** SQL: assigns `credentialValues`, which are the parameters from `$2` on. */
export const ASSIGN_CREDENTIALS = NAMES.map((name, index) => `${toColumn(name)} = $${index + 2}`).join(', ')
export const credentialValues = (sealed: SealedCredentials) => NAMES.map((name) => sealed[name])

export function newCredentials(serverPin: string, now: Date): AgentCredentials {
  const { pin: certificatePin, ...identity } = createIdentity('rollcall-agent', now)
  return { ...newSecrets(), ...identity, certificatePin, serverPin }
}

export function sealCredentials(
  sealer: Sealer,
  holder: Holder,
  hostId: string,
  { certificatePem, privateKeyPem, ...open }: AgentCredentials,
): SealedCredentials {
  const seal = (value: string, name: string) => sealer.seal(value, `${holder}/${hostId}/${name}`)
  return {
    rpcPath: open.rpcPath,
    token: seal(open.token, 'token'),
    secretKey: seal(open.secretKey, 'secret-key'),
    certificate: certificatePem,
    privateKey: seal(privateKeyPem, 'private-key'),
    certificatePin: open.certificatePin,
    serverPin: open.serverPin,
  }
}

export function openCredentials(
  sealer: Sealer,
  holder: Holder,
  hostId: string,
  sealed: SealedCredentials,
): AgentCredentials {
  const open = (value: Sealed, name: string) => sealer.open(value, `${holder}/${hostId}/${name}`)
  return {
    rpcPath: sealed.rpcPath,
    token: open(sealed.token, 'token'),
    secretKey: open(sealed.secretKey, 'secret-key'),
    certificatePem: sealed.certificate,
    privateKeyPem: open(sealed.privateKey, 'private-key'),
    certificatePin: sealed.certificatePin,
    serverPin: sealed.serverPin,
  }
}
