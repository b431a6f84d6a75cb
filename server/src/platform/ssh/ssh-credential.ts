import { createPrivateKey, type KeyObject } from 'node:crypto'
import { type ErrorCode, RollcallError } from '@rollcall/contracts'
import type { SshCredential } from '@rollcall/contracts/admin'
import type { ParsedKey } from 'ssh2'
import { openSshKeyFile } from './openssh-key.ts'
import { isPuttyKey, PuttyKeyError, toOpenSshKey } from './putty-key.ts'
import { ssh2 } from './ssh2.ts'
import { readCertificate, toCertificateKey } from './user-certificate.ts'
import { wireString } from './wire.ts'

/** A parsed credential: a key, a password, or both. */
export interface UsableCredential {
  key?: ParsedKey
  password?: string
}

const CODE: ErrorCode = 'ssh.key_unreadable'

/**
 * Parses a credential before connecting. Throws `ssh.key_unreadable`, whose message names the reason: not a private
 * key, an unsupported format, a missing or wrong passphrase, or a certificate that does not match the key or is not
 * valid at `now`.
 */
export async function readCredential(credential: SshCredential, now: Date): Promise<UsableCredential> {
  if (credential.type === 'password') return { password: credential.password }
  const { privateKey, passphrase, certificate, password } = credential
  const key = await readKey(privateKey.trim(), passphrase)
  return {
    key: certificate === undefined ? key : toCertificateKey(key, readCertificate(certificate), now),
    ...(password !== undefined && { password }),
  }
}

async function readKey(text: string, passphrase: string | undefined): Promise<ParsedKey> {
  const openSsh = isPuttyKey(text) ? await fromPutty(text, passphrase) : fromPkcs8(text, passphrase)
  const key = parseKey(openSsh.concat('\n'), passphrase)
  if (key instanceof Error) throw new RollcallError(CODE, explain(text, key, passphrase !== undefined))
  if (!key.isPrivateKey())
    throw new RollcallError(
      CODE,
      'This is a public key. Use the private key, whose file name does not end in ".pub".',
    )
  if (key.type === 'ssh-dss')
    throw new RollcallError(
      CODE,
      'This is a DSA key, which hosts no longer accept. Create an Ed25519 key with "ssh-keygen -t ed25519".',
    )
  return key
}

async function fromPutty(text: string, passphrase: string | undefined): Promise<string> {
  try {
    return (await toOpenSshKey(text, passphrase)).trim()
  } catch (error) {
    if (error instanceof PuttyKeyError) throw new RollcallError(CODE, error.message, { cause: error })
    throw error
  }
}

/** Converts a PKCS#8 key, as OpenSSL writes it, to the older format of its type; leaves others unchanged. */
function fromPkcs8(text: string, passphrase: string | undefined): string {
  const [, isProtected] = /^-----BEGIN (ENCRYPTED )?PRIVATE KEY-----/.exec(text) ?? []
  if (!/^-----BEGIN (ENCRYPTED )?PRIVATE KEY-----/.test(text)) return text
  if (isProtected && !passphrase)
    throw new RollcallError(CODE, explain(text, new Error('no passphrase given'), false))
  let key: KeyObject
  try {
    key = createPrivateKey({ key: text, format: 'pem', ...(passphrase && { passphrase }) })
  } catch (error) {
    throw new RollcallError(CODE, explain(text, new Error('bad passphrase'), isProtected !== undefined), {
      cause: error,
    })
  }
  if (key.asymmetricKeyType === 'ed25519') return toOpenSshEd25519(key)
  const type = key.asymmetricKeyType === 'rsa' ? 'pkcs1' : key.asymmetricKeyType === 'ec' ? 'sec1' : undefined
  return type ? key.export({ type, format: 'pem' }).toString().trim() : text
}

function toOpenSshEd25519(key: KeyObject): string {
  const { d = '', x = '' } = key.export({ format: 'jwk' })
  const [seed, point] = [Buffer.from(d, 'base64url'), Buffer.from(x, 'base64url')]
  const blob = Buffer.concat([wireString('ssh-ed25519'), wireString(point)])
  return openSshKeyFile('ssh-ed25519', blob, [
    wireString(point),
    wireString(Buffer.concat([seed, point])),
  ]).trim()
}

function parseKey(text: string, passphrase: string | undefined): ParsedKey | Error {
  try {
    return ssh2.utils.parseKey(text, passphrase)
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

function explain(privateKey: string, error: Error, hasPassphrase: boolean): string {
  if (/no passphrase/i.test(error.message))
    return 'The private key is protected by a passphrase. Enter the passphrase.'
  if (/bad passphrase/i.test(error.message))
    return hasPassphrase
      ? 'The passphrase is wrong, or the private key is damaged. Check the passphrase.'
      : 'The private key is damaged. Copy the whole file, with its first and last line.'
  if (/Unsupported OpenSSH private key type: sk-/i.test(error.message))
    return 'The private key is stored on a security key, which must be touched. Create an Ed25519 key for this server with "ssh-keygen -t ed25519".'
  if (/^-----BEGIN (ENCRYPTED )?PRIVATE KEY-----/.test(privateKey))
    return 'This type of private key is not supported in PKCS#8 format. Convert a copy to the OpenSSH format with "ssh-keygen -p -f FILE" and use that.'
  return 'The private key is unreadable. Use the whole file as ssh-keygen or PuTTYgen wrote it, with its first and last line.'
}
