import { createHash } from 'node:crypto'

/** A host's public key: its SHA-256 fingerprint as `ssh-keygen -l` prints it, and its type such as `ssh-ed25519`. */
export interface HostKey {
  fingerprint: string
  algorithm: string
}

/**
 * The host keys that we accept, best first. The order never changes, so the same host always shows the same
 * one of its keys. SHA-1 signatures (`ssh-rsa`, `ssh-dss`) are not accepted.
 */
export const HOST_KEY_FAMILIES: readonly (readonly string[])[] = [
  ['ssh-ed25519'],
  ['ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521'],
  ['rsa-sha2-512', 'rsa-sha2-256'],
]

export const ALL_HOST_KEY_ALGORITHMS: readonly string[] = HOST_KEY_FAMILIES.flat()

/** Parses a public key in SSH wire format: a length-prefixed type, then numbers. */
export function describeHostKey(blob: Buffer): HostKey {
  const length = blob.length >= 4 ? blob.readUInt32BE(0) : 0
  const name = blob.subarray(4, 4 + length).toString('latin1')
  const algorithm = /^[a-z0-9@.-]{1,64}$/.test(name) ? name : 'unknown'
  const digest = createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')
  return { fingerprint: `SHA256:${digest}`, algorithm }
}

/** Returns the families without `algorithm`, in which the host may still have the pinned key. */
export function otherFamilies(algorithm: string): readonly (readonly string[])[] {
  const isRsa = algorithm === 'ssh-rsa'
  return HOST_KEY_FAMILIES.filter(
    (family) => !family.some((name) => name === algorithm || (isRsa && name.startsWith('rsa-'))),
  )
}
