import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { RollcallError } from '@rollcall/contracts'

const VERSION = 1
const NONCE_BYTES = 12
const TAG_BYTES = 16

/**
 * Seals secrets with AES-256-GCM as `version(1) nonce(12) tag(16) ciphertext`. `context` names the location of a value,
 * such as `host/<id>/credential`, and is authenticated: a value moved to another row does not open.
 */
export class Sealer {
  /** `root` is the key that others are derived from: the master key that the database was created with. */
  constructor(
    private readonly key: Buffer,
    private readonly root: Buffer = key,
  ) {}

  /** Derives a separate key for `purpose`, which survives a change of the master key. */
  deriveKey(purpose: string): Buffer {
    return Buffer.from(hkdfSync('sha256', this.root, '', `rollcall ${purpose}`, 32))
  }

  seal(plain: string, context: string): Uint8Array<ArrayBuffer> {
    const nonce = randomBytes(NONCE_BYTES)
    const cipher = createCipheriv('aes-256-gcm', this.key, nonce).setAAD(Buffer.from(context))
    const ciphertext = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()])
    return new Uint8Array(Buffer.concat([Buffer.of(VERSION), nonce, cipher.getAuthTag(), ciphertext]))
  }

  /**
   * Opens a sealed value. Throws `server.master_key_wrong` if it was sealed with another key or context, or was
   * altered.
   */
  open(sealed: Uint8Array, context: string): string {
    const bytes = Buffer.from(sealed)
    const nonceEnd = 1 + NONCE_BYTES
    const tagEnd = nonceEnd + TAG_BYTES
    try {
      if (bytes[0] !== VERSION) throw new Error(`unknown version ${bytes[0]}`)
      const decipher = createDecipheriv('aes-256-gcm', this.key, bytes.subarray(1, nonceEnd))
        .setAAD(Buffer.from(context))
        .setAuthTag(bytes.subarray(nonceEnd, tagEnd))
      return Buffer.concat([decipher.update(bytes.subarray(tagEnd)), decipher.final()]).toString('utf8')
    } catch (cause) {
      throw new RollcallError(
        'server.master_key_wrong',
        `Failed to unseal ${context} with this master key. Start the server with the master key that the database was created with.`,
        { cause },
      )
    }
  }
}
