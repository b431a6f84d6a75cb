import { sign } from 'node:crypto'
import { RollcallError, sanitizeText } from '@rollcall/contracts'
import type { ParsedKey } from 'ssh2'
import { WireReader, wireString } from './wire.ts'

const SUFFIX = '-cert-v01@openssh.com'
const USER_CERTIFICATE = 1
const FOREVER = 0xffff_ffff_ffff_ffffn
const MAX_PRINCIPALS = 256

/** The content of OpenSSH's certificate of a user's key. */
export interface UserCertificate {
  /** Such as `ssh-ed25519-cert-v01@openssh.com`. */
  type: string
  blob: Buffer
  /** The fields of the public key that it was made for, as they stand on the wire behind its type. */
  publicFields: Buffer
  keyId: string
  /** For whom it was made; none for anybody. */
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
 * Reads the line of a `-cert.pub` file.
 * @throws `ssh.key_unreadable` for what is no certificate, one of a host, or one of a kind of key that is not signed in with.
 */
export function readCertificate(line: string): UserCertificate {
  const [type = '', base64 = ''] = line.trim().split(/\s+/, 2)
  const fieldCount = type.endsWith(SUFFIX) ? FIELDS[type.slice(0, -SUFFIX.length)] : undefined
  if (fieldCount === undefined)
    throw unreadable(
      `The certificate is not of a kind that is signed in with (${sanitizeText(type, 60) || 'it is empty'}). Give the line of the -cert.pub file that "ssh-keygen -s" wrote for an Ed25519, ECDSA or RSA key.`,
    )
  try {
    return parse(type, Buffer.from(base64, 'base64'), fieldCount)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw unreadable('The certificate is damaged. Give the whole line of the -cert.pub file.')
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
      'This is the certificate of a host. Give that of the user: "ssh-keygen -s CA -I ID -n USER KEY.pub" makes it.',
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

// A Date holds no more; what is later than that is as good as for ever.
const toDate = (seconds: bigint) =>
  new Date(Number(seconds > 8_640_000_000_000n ? 8_640_000_000_000n : seconds) * 1000)

/**
 * Makes the key with which one signs in by certificate.
 * @throws `ssh.key_unreadable` when the certificate is another key's, or not valid `now`.
 */
export function certificateKey(key: ParsedKey, certificate: UserCertificate, now: Date): CertificateKey {
  const { validAfter, validBefore, blob, type, publicFields } = certificate
  const own = Buffer.concat([wireString(key.type), publicFields])
  if (type !== `${key.type}${SUFFIX}` || !own.equals(key.getPublicSSH()))
    throw unreadable(
      'The certificate was made for another key. Give the certificate and the private key that belong together.',
    )
  if (validBefore && validBefore <= now)
    throw unreadable(
      `The certificate "${certificate.keyId}" was valid until ${validBefore.toISOString()}. Have the key signed again and give the new one: rollcall host set NAME --key FILE`,
    )
  if (validAfter && validAfter > now)
    throw unreadable(
      `The certificate "${certificate.keyId}" is valid from ${validAfter.toISOString()} only. Compare the clocks of this server and of the authority.`,
    )
  // ssh2 knows its keys by a symbol of their own, which this one inherits.
  return Object.assign(Object.create(key), {
    type: type === `ssh-rsa${SUFFIX}` ? `rsa-sha2-512${SUFFIX}` : type,
    getPublicSSH: () => blob,
    certificate,
    signatureOf: (data: Buffer) => signatureOf(key, data),
  }) as CertificateKey
}

export interface CertificateKey extends ParsedKey {
  certificate: UserCertificate
  /** A signature in the form of SSH, whose algorithm is that of the key and not of the certificate. */
  signatureOf(data: Buffer): Buffer
}

export const isCertificateKey = (key: unknown): key is CertificateKey =>
  typeof key === 'object' && key !== null && 'signatureOf' in key

export function describeCertificate({ keyId, principals, validBefore }: UserCertificate): string {
  const whom = principals.length > 0 ? `for ${principals.slice(0, 10).join(', ')}` : 'for anybody'
  return `certificate "${keyId}" ${whom}, valid ${validBefore ? `until ${validBefore.toISOString()}` : 'for ever'}`
}

function signatureOf(key: ParsedKey, data: Buffer): Buffer {
  const pem = key.getPrivatePEM()
  if (key.type === 'ssh-ed25519')
    return Buffer.concat([wireString(key.type), wireString(sign(null, data, pem))])
  if (key.type === 'ssh-rsa')
    return Buffer.concat([wireString('rsa-sha2-512'), wireString(sign('sha512', data, pem))])
  const hash = { 256: 'sha256', 384: 'sha384', 521: 'sha512' }[key.type.slice(-3)] ?? 'sha256'
  // As DER it is the two numbers, each behind its tag and length, and so they are on the wire behind theirs.
  return Buffer.concat([wireString(key.type), wireString(numbersOfDer(sign(hash, data, pem)))])
}

function numbersOfDer(der: Buffer): Buffer {
  let at = (der[1] ?? 0) >= 0x80 ? 3 : 2
  const numbers = [0, 1].map(() => {
    const length = der[at + 1] ?? 0
    at += 2 + length
    return wireString(der.subarray(at - length, at))
  })
  return Buffer.concat(numbers)
}

const unreadable = (message: string) => new RollcallError('ssh.key_unreadable', message)
