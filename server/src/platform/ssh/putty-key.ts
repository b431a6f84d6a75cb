import {
  type Argon2Algorithm,
  argon2,
  createDecipheriv,
  createHash,
  createHmac,
  timingSafeEqual,
} from 'node:crypto'
import { promisify } from 'node:util'
import { openSshKeyFile } from './openssh-key.ts'
import { WireReader, wireNumber, wireString } from './wire.ts'

/** Says why a PuTTY key is unreadable, without revealing any of it. */
export class PuttyKeyError extends Error {
  override readonly name = 'PuttyKeyError'
}

// PuTTY's defaults are 8 MiB and about 20 passes; a file that demands far more is an attack.
const MAX_MEMORY_KIB = 1024 * 1024
const MAX_PASSES = 10_000
const MAX_WORK_KIB = 4 * 1024 * 1024
const MAX_PARALLELISM = 64
const CIPHER = 'aes256-cbc'
const MISSING_PASSPHRASE = 'The private key is protected by a passphrase. Enter the passphrase.'
const WRONG_PASSPHRASE = 'The passphrase is wrong, or the private key is damaged. Check the passphrase.'
const DAMAGED = 'The private key is damaged. Copy the whole .ppk file, with its first and last line.'

export const isPuttyKey = (text: string): boolean => /^PuTTY-User-Key-File-\d+:/.test(text)

/**
 * Converts a PuTTY private key file of version 2 or 3 to an unprotected OpenSSH file. Throws `PuttyKeyError` for
 * another version, an obsolete algorithm, a missing or wrong passphrase, or damage.
 */
export async function toOpenSshKey(text: string, passphrase: string | undefined): Promise<string> {
  const file = parse(text)
  const { key, iv, macKey } = await deriveSecrets(file, passphrase)
  const secret = file.isProtected ? decrypt(file.secret, key, iv) : file.secret
  const mac = createHmac(file.version === 3 ? 'sha256' : 'sha1', macKey)
    .update(wireString(file.type))
    .update(wireString(file.encryption))
    .update(wireString(file.comment))
    .update(wireString(file.public))
    .update(wireString(secret))
    .digest()
  if (mac.length !== file.mac.length || !timingSafeEqual(mac, file.mac))
    throw new PuttyKeyError(file.isProtected ? WRONG_PASSPHRASE : DAMAGED)
  try {
    return openSshKeyFile(file.type, file.public, toFields(file.type, file.public, secret))
  } catch (error) {
    throw error instanceof PuttyKeyError ? error : new PuttyKeyError(DAMAGED, { cause: error })
  }
}

interface PuttyFile {
  version: 2 | 3
  type: string
  encryption: string
  isProtected: boolean
  comment: string
  public: Buffer
  secret: Buffer
  mac: Buffer
  headers: ReadonlyMap<string, string>
}

function parse(text: string): PuttyFile {
  const lines = text.trim().split(/\r\n|\n|\r/)
  const headers = new Map<string, string>()
  const blocks = new Map<string, Buffer>()
  for (let at = 0; at < lines.length; at++) {
    const [, name, value] = /^([A-Za-z0-9-]{1,40}): (.*)$/.exec(lines[at] ?? '') ?? []
    if (name === undefined || value === undefined) throw new PuttyKeyError(DAMAGED)
    if (!name.endsWith('-Lines')) {
      headers.set(name, value)
      continue
    }
    const count = /^\d{1,4}$/.test(value) ? Number(value) : Number.NaN
    if (!(at + count < lines.length)) throw new PuttyKeyError(DAMAGED)
    blocks.set(name, Buffer.from(lines.slice(at + 1, at + 1 + count).join(''), 'base64'))
    at += count
  }
  const version = ([2, 3] as const).find((number) => headers.has(`PuTTY-User-Key-File-${number}`))
  if (version === undefined)
    throw new PuttyKeyError(
      'This version of PuTTY key is not supported. Save the key again with PuTTYgen 0.75 or later, or export it in the OpenSSH format (Conversions, Export OpenSSH key).',
    )
  const encryption = headers.get('Encryption') ?? ''
  const [publicBlob, secret, mac] = [
    blocks.get('Public-Lines'),
    blocks.get('Private-Lines'),
    headers.get('Private-MAC'),
  ]
  if (!publicBlob || !secret || !mac || !['none', CIPHER].includes(encryption))
    throw new PuttyKeyError(DAMAGED)
  return {
    version,
    type: headers.get(`PuTTY-User-Key-File-${version}`) ?? '',
    encryption,
    isProtected: encryption !== 'none',
    comment: headers.get('Comment') ?? '',
    public: publicBlob,
    secret,
    mac: Buffer.from(mac, 'hex'),
    headers,
  }
}

async function deriveSecrets(
  file: PuttyFile,
  passphrase: string | undefined,
): Promise<{ key: Buffer; iv: Buffer; macKey: Buffer }> {
  if (file.isProtected && !passphrase) throw new PuttyKeyError(MISSING_PASSPHRASE)
  const word = Buffer.from(file.isProtected ? (passphrase ?? '') : '')
  if (file.version === 2) {
    const part = (number: number) =>
      createHash('sha1')
        .update(Buffer.from([0, 0, 0, number]))
        .update(word)
        .digest()
    const macKey = createHash('sha1').update('putty-private-key-file-mac-key').update(word).digest()
    return { key: Buffer.concat([part(0), part(1)]).subarray(0, 32), iv: Buffer.alloc(16), macKey }
  }
  if (!file.isProtected) return { key: Buffer.alloc(0), iv: Buffer.alloc(0), macKey: Buffer.alloc(0) }
  const derived = await derive(file.headers, word)
  return { key: derived.subarray(0, 32), iv: derived.subarray(32, 48), macKey: derived.subarray(48, 80) }
}

async function derive(headers: ReadonlyMap<string, string>, message: Buffer): Promise<Buffer> {
  const number = (name: string, max: number) => {
    const value = Number(headers.get(name))
    if (Number.isInteger(value) && value >= 1 && value <= max) return value
    throw new PuttyKeyError(
      `The private key's "${name}" is out of range (1 to ${max}). Save it again with PuTTYgen.`,
    )
  }
  const algorithm = (headers.get('Key-Derivation') ?? '').toLowerCase()
  if (!/^argon2(id|i|d)$/.test(algorithm)) throw new PuttyKeyError(DAMAGED)
  const [memory, passes] = [number('Argon2-Memory', MAX_MEMORY_KIB), number('Argon2-Passes', MAX_PASSES)]
  if (memory * passes > MAX_WORK_KIB)
    throw new PuttyKeyError(
      'Decrypting the private key would take too much work. Save it again with PuTTYgen and its default parameters.',
    )
  try {
    return await promisify(argon2)(algorithm as Argon2Algorithm, {
      message,
      nonce: Buffer.from(headers.get('Argon2-Salt') ?? '', 'hex'),
      parallelism: number('Argon2-Parallelism', MAX_PARALLELISM),
      tagLength: 80,
      memory,
      passes,
    })
  } catch (error) {
    throw error instanceof PuttyKeyError ? error : new PuttyKeyError(DAMAGED, { cause: error })
  }
}

function decrypt(data: Buffer, key: Buffer, iv: Buffer): Buffer {
  if (data.length === 0 || data.length % 16 !== 0) throw new PuttyKeyError(DAMAGED)
  const decipher = createDecipheriv('aes-256-cbc', key, iv).setAutoPadding(false)
  return Buffer.concat([decipher.update(data), decipher.final()])
}

/** Returns the same numbers in the order of OpenSSH's format. */
function toFields(type: string, publicBlob: Buffer, secret: Buffer): Buffer[] {
  const open = new WireReader(publicBlob)
  const hidden = new WireReader(secret)
  if (open.text() !== type) throw new PuttyKeyError(DAMAGED)
  if (type === 'ssh-ed25519') {
    const point = open.string()
    // PuTTY writes the seed as a little-endian number and omits trailing zeros.
    const seed = Buffer.alloc(32)
    hidden.string().subarray(0, 32).copy(seed)
    return [wireString(point), wireString(Buffer.concat([seed, point]))]
  }
  if (type === 'ssh-rsa') {
    const [e, n] = [open.string(), open.string()]
    const [d, p, q, iqmp] = [hidden.string(), hidden.string(), hidden.string(), hidden.string()]
    return [n, e, d, iqmp, p, q].map(wireNumber)
  }
  if (/^ecdsa-sha2-nistp(256|384|521)$/.test(type)) {
    const [curve, point] = [open.string(), open.string()]
    return [wireString(curve), wireString(point), wireNumber(hidden.string())]
  }
  throw new PuttyKeyError(
    `The private key is of type ${type.slice(0, 40)}, which is obsolete or unknown. Create a key of type Ed25519, ECDSA or RSA.`,
  )
}
