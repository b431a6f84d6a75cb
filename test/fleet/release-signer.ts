import { generateKeyPairSync, sign } from 'node:crypto'
import { keyringText, type ReleaseName, releaseText } from '@rollcall/contracts/agent'

/** Signs releases of the agent with a key of its own, as a server does. */
export class ReleaseSigner {
  readonly key: string
  readonly #privateKey

  constructor() {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    this.key = Buffer.from(String(publicKey.export({ format: 'jwk' }).x), 'base64url').toString('base64')
    this.#privateKey = privateKey
  }

  get keyring(): string {
    return keyringText([this.key])
  }

  signText(text: string): string {
    return sign(null, Buffer.from(text), this.#privateKey).toString('base64')
  }

  sign(release: ReleaseName, keyringSignatures: string[] = []) {
    return { signature: this.signText(releaseText(release)), keyring: this.keyring, keyringSignatures }
  }
}
