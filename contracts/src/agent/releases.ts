import { z } from 'zod'

/** An Ed25519 public key: its 32 bytes in base64. */
export const releaseKey = z
  .string()
  .regex(/^[A-Za-z0-9+/]{43}=$/, 'must be the 32 bytes of an Ed25519 public key in base64')

/** An Ed25519 signature: its 64 bytes in base64. */
export const releaseSignature = z
  .string()
  .regex(/^[A-Za-z0-9+/]{86}==$/, 'must be the 64 bytes of an Ed25519 signature in base64')

export const MAX_RELEASE_KEYS = 16

/** A release of the agent, as it is named by who signs it. */
export interface ReleaseName {
  version: string
  architecture: 'x64' | 'arm64'
  /** The archive's hash, in hexadecimal. */
  sha256: string
}

/** Makes the text that is signed for a release. The host makes the same, in `playbooks/host/rollcall_host/signature.py`. */
export const releaseText = ({ version, architecture, sha256 }: ReleaseName): string =>
  `rollcall agent release\nversion ${version}\narchitecture ${architecture}\nsha256 ${sha256}\n`

/** Makes the list of keys that a host trusts, as it keeps it and as it is signed. */
export const keyringText = (keys: readonly string[]): string => ['rollcall release keys', ...keys].join('\n')

/** The signature and keyring by which a host verifies a release. */
export interface SignedRelease {
  signature: string
  /** The keys that the host is to trust from now on, as `keyringText` writes them. */
  keyring: string
  /** Signatures of the keyring by the servers' keys; the host may trust one of them already. */
  keyringSignatures: string[]
}
