import { type ErrorCode, RollcallError } from '@rollcall/contracts'
import type { SshCredential } from '@rollcall/contracts/admin'
import ssh2, { type ParsedKey } from 'ssh2'

/** A credential that has been read: signing in with it needs no more parsing. */
export type UsableCredential = { type: 'password'; password: string } | { type: 'key'; key: ParsedKey }

const CODE: ErrorCode = 'ssh.key_unreadable'

/**
 * Reads a credential before anything is dialled.
 * @throws `ssh.key_unreadable` for a key that is no private key, has a format we do not read, or a passphrase that is
 * missing or wrong; which of these, the message says.
 */
export function readCredential(credential: SshCredential): UsableCredential {
  if (credential.type === 'password') return credential
  const { privateKey, passphrase } = credential
  const key = parseKey(privateKey.trim().concat('\n'), passphrase)
  if (key instanceof Error) throw new RollcallError(CODE, explain(privateKey, key, passphrase !== undefined))
  if (!key.isPrivateKey())
    throw new RollcallError(
      CODE,
      'This is a public key. Give the private one, whose file has no ".pub" in its name.',
    )
  return { type: 'key', key }
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
    return 'The private key is protected by a passphrase and none was given. Give the passphrase.'
  if (/bad passphrase/i.test(error.message))
    return hasPassphrase
      ? 'The passphrase does not open the private key, or the key is damaged. Check the passphrase.'
      : 'The private key is damaged. Copy the whole file, with its first and last line.'
  if (/^-----BEGIN (ENCRYPTED )?PRIVATE KEY-----/.test(privateKey.trim()))
    return 'The private key is in PKCS#8 format. Convert a copy to the OpenSSH format with "ssh-keygen -p -f FILE" and give that.'
  return 'The private key cannot be read. Give the whole file as ssh-keygen wrote it, with its first and last line.'
}
