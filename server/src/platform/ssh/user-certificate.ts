import { sign } from 'node:crypto'
import { RollcallError, sanitizeText } from '@rollcall/contracts'
import type { ParsedKey } from 'ssh2'
import { WireReader, wireString } from './wire.ts'

const SUFFIX = '-cert-v01@openssh.com'
const USER_CERTIFICATE = 1
const FOREVER = 0xffff_ffff_ffff_ffffn
const MAX_PRINCIPALS = 256

/** The contents of an OpenSSH user certificate. */
export interface UserCertificate {
  /** Such as `ssh-ed25519-cert-v01@openssh.com`. */
  type: string
  blob: Buffer
  /** The fields of the certified public key, as they follow its type on the wire. */
  publicFields: Buffer
  keyId: string
  /** The users it was issued for; empty for any user. */
  principals: readonly string[]
  validAfter: Date | null
  validBefore: Date | null
}

const FIELDS: Record<string, number> = {
  'ssh-ed25519': 1,
  'ssh-rsa': 2,
  'ecdsa-sha2-nistp256': 2,
  'ecdsa-sha2-nistp384': 2,
  'ecdsa-sha2-nistp521': 2,
}

/**
 * Parses the line of a `-cert.pub` file. Throws `ssh.key_unreadable` if it is not a user certificate or its key type is
 * not supported.
 */
export function readCertificate(line: string): UserCertificate {
  const [type = '', base64 = ''] = line.trim().split(/\s+/, 2)
  const fieldCount = type.endsWith(SUFFIX) ? FIELDS[type.slice(0, -SUFFIX.length)] : undefined
  if (fieldCount === undefined)
    throw unreadable(
      `This type of certificate is not supported (${sanitizeText(type, 60) || 'it is empty'}). Use the line of the -cert.pub file that "ssh-keygen -s" wrote for an Ed25519, ECDSA or RSA key.`,
    )
  try {
    return parse(type, Buffer.from(base64, 'base64'), fieldCount)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw unreadable('The certificate is damaged. Use the whole line of the -cert.pub file.')
  }
}

function parse(type: string, blob: Buffer, fieldCount: number): UserCertificate {
  const reader = new WireReader(blob)
  if (reader.text() !== type) throw new RangeError('another type within')
  reader.string() // a nonce
  const publicFields = Buffer.concat(Array.from({ length: fieldCount }, () => wireString(reader.string())))
  reader.uint64() // its serial number
  if (reader.uint32() !== USER_CERTIFICATE)
    throw unreadable(
      'This is a host certificate. Use a user certificate, as created by "ssh-keygen -s CA -I ID -n USER KEY.pub".',
    )
  const keyId = sanitizeText(reader.text(), 100)
  const list = new WireReader(reader.string())
  const principals: string[] = []
  while (!list.isAtEnd && principals.length < MAX_PRINCIPALS) principals.push(sanitizeText(list.text(), 100))
  const [after, before] = [reader.uint64(), reader.uint64()]
  const validAfter = after === 0n ? null : toDate(after)
  const validBefore = before === FOREVER ? null : toDate(before)
  return { type, blob, publicFields, keyId, principals, validAfter, validBefore }
}

// A Date cannot hold later times, which are as good as no expiry.
const toDate = (seconds: bigint) =>
  new Date(Number(seconds > 8_640_000_000_000n ? 8_640_000_000_000n : seconds) * 1000)

/**
 * Combines a key with its certificate for sign-in. Throws `ssh.key_unreadable` if the certificate belongs to another
 * key or is not valid at `now`.
 */
export function toCertificateKey(key: ParsedKey, certificate: UserCertificate, now: Date): CertificateKey {
  const { validAfter, validBefore, blob, type, publicFields } = certificate
  const own = Buffer.concat([wireString(key.type), publicFields])
  if (type !== `${key.type}${SUFFIX}` || !own.equals(key.getPublicSSH()))
    throw unreadable('The certificate belongs to another key. Use the private key that it was issued for.')
  if (validBefore && validBefore <= now)
    throw unreadable(
      `The certificate "${certificate.keyId}" was valid until ${validBefore.toISOString()}. Have the key signed again and set the new certificate: rollcall host set NAME --key FILE`,
    )
  if (validAfter && validAfter > now)
    throw unreadable(
      `The certificate "${certificate.keyId}" is not valid before ${validAfter.toISOString()}. Compare the clocks of this server and of the authority.`,
    )
  // ssh2 recognises its keys by a symbol, which this object inherits.
  return Object.assign(Object.create(key), {
    type: type === `ssh-rsa${SUFFIX}` ? `rsa-sha2-512${SUFFIX}` : type,
    getPublicSSH: () => blob,
    certificate,
    signatureOf: (data: Buffer) => signWithKey(key, data),
  }) as CertificateKey
}

export interface CertificateKey extends ParsedKey {
  certificate: UserCertificate
  /** Returns a signature in SSH format, whose algorithm is the key's and not the certificate's. */
  signatureOf(data: Buffer): Buffer
}

export const isCertificateKey = (key: unknown): key is CertificateKey =>
  typeof key === 'object' && key !== null && 'signatureOf' in key

export function describeCertificate({ keyId, principals, validBefore }: UserCertificate): string {
  const whom = principals.length > 0 ? `for ${principals.slice(0, 10).join(', ')}` : 'for any user'
  return `certificate "${keyId}" ${whom}, valid ${validBefore ? `until ${validBefore.toISOString()}` : 'forever'}`
}

function signWithKey(key: ParsedKey, data: Buffer): Buffer {
  const pem = key.getPrivatePEM()
  if (key.type === 'ssh-ed25519')
    return Buffer.concat([wireString(key.type), wireString(sign(null, data, pem))])
  if (key.type === 'ssh-rsa')
    return Buffer.concat([wireString('rsa-sha2-512'), wireString(sign('sha512', data, pem))])
  const hash = { 256: 'sha256', 384: 'sha384', 521: 'sha512' }[key.type.slice(-3)] ?? 'sha256'
  // DER holds two numbers, each after a tag and length; SSH writes the same numbers, each after its length.
  return Buffer.concat([wireString(key.type), wireString(parseDerNumbers(sign(hash, data, pem)))])
}

function parseDerNumbers(der: Buffer): Buffer {
  let at = (der[1] ?? 0) >= 0x80 ? 3 : 2
  const numbers = [0, 1].map(() => {
    const length = der[at + 1] ?? 0
    at += 2 + length
    return wireString(der.subarray(at - length, at))
  })
  return Buffer.concat(numbers)
}

const unreadable = (message: string) => new RollcallError('ssh.key_unreadable', message)
