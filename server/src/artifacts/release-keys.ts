import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto'
import { RollcallError } from '@rollcall/contracts'
import { keyringText, type ReleaseName, releaseText, type SignedRelease } from '@rollcall/contracts/agent'
import type { Sealer } from '../platform/crypto/sealer.ts'
import type { KnownReleaseKey } from './domain/release-key.ts'
import type { ReleaseKeysRepository } from './release-keys.repository.ts'

/** The number of older keys that still vouch for the current one, for hosts that know no newer key. */
const MAX_SERVER_KEYS = 8

/**
 * Signs releases of the agent. The newest server key signs, unless an operator signs offline; of the operator's keys
 * only the public half is known.
 */
export class ReleaseKeys {
  private constructor(
    private readonly releaseKeys: ReleaseKeysRepository,
    private readonly sealer: Sealer,
    /** The operator's public keys; empty if the servers sign. */
    private readonly operatorKeys: readonly string[],
  ) {}

  /** Opens the keys and creates the first server key if there is none. */
  static async open(
    rows: ReleaseKeysRepository,
    sealer: Sealer,
    operatorKeys: readonly string[],
  ): Promise<ReleaseKeys> {
    const keys = new ReleaseKeys(rows, sealer, operatorKeys)
    if ((await rows.list(1)).length === 0) await keys.insert(1, new Date())
    return keys
  }

  get isOperatorSigned(): boolean {
    return this.operatorKeys.length > 0
  }

  /** Signs a release, or verifies the operator's signature. Throws `release.unsigned`. */
  async sign(release: ReleaseName & { signature: string | null }): Promise<SignedRelease> {
    const serverKeys = await this.own()
    const newest = serverKeys[0]
    if (!newest) throw new RollcallError('server.defect', 'no server key exists for signing releases')
    if (this.isOperatorSigned) this.check(release)
    const message = Buffer.from(releaseText(release))
    const keyring = keyringText(this.isOperatorSigned ? this.operatorKeys : [newest.key])
    return {
      signature: (this.isOperatorSigned && release.signature) || signBase64(message, newest.privateKey),
      keyring,
      keyringSignatures: serverKeys.map(({ privateKey }) => signBase64(Buffer.from(keyring), privateKey)),
    }
  }

  /** Verifies the operator's signature if an operator signs releases. Throws `release.unsigned`. */
  check({ signature, ...release }: ReleaseName & { signature: string | null }): void {
    if (!this.isOperatorSigned) return
    const { version, architecture } = release
    const message = Buffer.from(releaseText(release))
    if (signature !== null && this.operatorKeys.some((key) => isSignedBy(key, message, signature))) return
    throw new RollcallError(
      'release.unsigned',
      `The release ${version} for linux-${architecture} ${signature === null ? 'is not signed' : 'is not signed with a key in ROLLCALL_RELEASE_KEYS'}. Sign it with "rollcall release sign ARCHIVE --key FILE", and add it with its signature.`,
    )
  }

  /** Creates a new server key. Hosts trust it from their next installation or upgrade. */
  async renew(now: Date): Promise<void> {
    const [newest] = await this.releaseKeys.list(1)
    await this.insert((newest?.id ?? 0) + 1, now)
  }

  /** Lists the keys that hosts trust, with older server keys, newest first. */
  async list(): Promise<{ operator: string[]; servers: KnownReleaseKey[] }> {
    const servers = (await this.own()).map(({ key, createdAt }) => ({ key, createdAt }))
    return { operator: [...this.operatorKeys], servers }
  }

  private async own(): Promise<(KnownReleaseKey & { privateKey: KeyObject })[]> {
    const rows = await this.releaseKeys.list(MAX_SERVER_KEYS)
    return rows.map(({ id, publicKey, privateKey, createdAt }) => ({
      key: publicKey,
      createdAt,
      privateKey: createPrivateKey(this.sealer.open(privateKey, toSealContext(id))),
    }))
  }

  private async insert(id: number, createdAt: Date): Promise<void> {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    await this.releaseKeys.insert({
      id,
      createdAt,
      publicKey: publicKeyText(publicKey),
      privateKey: this.sealer.seal(pem, toSealContext(id)),
    })
  }
}

const toSealContext = (id: number | string) => `release-key/${id}`

const signBase64 = (message: Buffer, key: KeyObject) => sign(null, message, key).toString('base64')

const publicKeyText = (key: KeyObject) =>
  Buffer.from(String(key.export({ format: 'jwk' }).x), 'base64url').toString('base64')

function isSignedBy(key: string, message: Buffer, signature: string): boolean {
  const x = Buffer.from(key, 'base64').toString('base64url')
  const publicKey = createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x } })
  return verify(null, message, publicKey, Buffer.from(signature, 'base64'))
}
