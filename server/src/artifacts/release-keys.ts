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
import type { ReleaseKeysRepository } from './release-keys.repository.ts'

/** Older keys that still say which is trusted now, to hosts that know no newer one. */
const MAX_KEPT = 8

export interface KnownReleaseKey {
  key: string
  createdAt: Date
}

/**
 * The keys that releases of the agent are signed with: the servers' own, of which the newest signs, or the operator's, of which the servers
 * know the public half only.
 */
export class ReleaseKeys {
  private constructor(
    private readonly rows: ReleaseKeysRepository,
    private readonly sealer: Sealer,
    /** Public keys of the operator; none where the servers sign. */
    private readonly operatorKeys: readonly string[],
  ) {}

  /** Makes the first key of the servers where there is none. */
  static async open(
    rows: ReleaseKeysRepository,
    sealer: Sealer,
    operatorKeys: readonly string[],
  ): Promise<ReleaseKeys> {
    const keys = new ReleaseKeys(rows, sealer, operatorKeys)
    if ((await rows.list(1)).length === 0) await keys.insert(1, new Date())
    return keys
  }

  get isOperators(): boolean {
    return this.operatorKeys.length > 0
  }

  /** Signs a release; where the operator does, checks his signature. Throws `release.unsigned`. */
  async sign(release: ReleaseName & { signature: string | null }): Promise<SignedRelease> {
    const own = await this.own()
    const newest = own[0]
    if (!newest) throw new RollcallError('server.defect', 'the servers have no key to sign releases with')
    if (this.isOperators) this.check(release)
    const message = Buffer.from(releaseText(release))
    const keyring = keyringText(this.isOperators ? this.operatorKeys : [newest.key])
    return {
      signature: (this.isOperators && release.signature) || signed(message, newest.privateKey),
      keyring,
      keyringSignatures: own.map(({ privateKey }) => signed(Buffer.from(keyring), privateKey)),
    }
  }

  /** Throws `release.unsigned` where the operator signs releases and this one is not signed with a key of his. */
  check({ signature, ...release }: ReleaseName & { signature: string | null }): void {
    if (!this.isOperators) return
    const { version, architecture } = release
    const message = Buffer.from(releaseText(release))
    if (signature !== null && this.operatorKeys.some((key) => isOf(key, message, signature))) return
    throw new RollcallError(
      'release.unsigned',
      `The release ${version} for linux-${architecture} ${signature === null ? 'is not signed' : 'is signed with none of the keys in ROLLCALL_RELEASE_KEYS'}. Sign it with "rollcall release sign ARCHIVE --key FILE", and add it with its signature.`,
    )
  }

  /** Makes a new key of the servers. Hosts come to trust it with their next installation or upgrade. */
  async renew(now: Date): Promise<void> {
    const [newest] = await this.rows.list(1)
    await this.insert((newest?.id ?? 0) + 1, now)
  }

  /** Lists the keys that hosts are to trust, and the servers' older ones; the newest first. */
  async list(): Promise<{ operator: string[]; servers: KnownReleaseKey[] }> {
    const servers = (await this.own()).map(({ key, createdAt }) => ({ key, createdAt }))
    return { operator: [...this.operatorKeys], servers }
  }

  private async own(): Promise<(KnownReleaseKey & { privateKey: KeyObject })[]> {
    const rows = await this.rows.list(MAX_KEPT)
    return rows.map(({ id, publicKey, privateKey, createdAt }) => ({
      key: publicKey,
      createdAt,
      privateKey: createPrivateKey(this.sealer.open(privateKey, toContext(id))),
    }))
  }

  private async insert(id: number, createdAt: Date): Promise<void> {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    await this.rows.insert({
      id,
      createdAt,
      publicKey: publicKeyText(publicKey),
      privateKey: this.sealer.seal(pem, toContext(id)),
    })
  }
}

const toContext = (id: number | string) => `release-key/${id}`

const signed = (message: Buffer, key: KeyObject) => sign(null, message, key).toString('base64')

const publicKeyText = (key: KeyObject) =>
  Buffer.from(String(key.export({ format: 'jwk' }).x), 'base64url').toString('base64')

function isOf(key: string, message: Buffer, signature: string): boolean {
  const x = Buffer.from(key, 'base64').toString('base64url')
  const publicKey = createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x } })
  return verify(null, message, publicKey, Buffer.from(signature, 'base64'))
}
