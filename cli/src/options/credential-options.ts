import type { SshCredential } from '@rollcall/contracts/admin'
import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { UsageError } from '../errors.ts'
import {
  askSecret,
  certificateBeside,
  readCertificateFile,
  readKeyFile,
  readSecretFile,
  readSecretLine,
} from '../input/secret.ts'

export interface CredentialOptions {
  key?: string
  certificate?: string
  passphraseFile?: string
  passwordStdin?: boolean
}

/** Adds the options for signing in. Secrets are never arguments. */
export const addCredentialOptions = <C extends Command>(command: C): C =>
  command
    .option('--key <file>', 'file of the private key to sign in with: OpenSSH, PEM or PuTTY (.ppk)')
    .option(
      '--certificate <file>',
      "file of the key's OpenSSH certificate (default: FILE-cert.pub beside the key)",
    )
    .option('--password-stdin', 'read the SSH password from the first line of standard input')
    .option('--passphrase-file <file>', "file whose first line is the private key's passphrase")

/**
 * Reads the credential that the options give; undefined if they give none. `typePassword` asks at the terminal, and is left out if nobody
 * is to be asked.
 */
export async function readCredential(
  context: Context,
  options: CredentialOptions,
  typePassword?: () => Promise<string>,
): Promise<SshCredential | undefined> {
  const { key, passphraseFile } = options
  const readPassword = typePassword ?? (() => readSecretLine(context.stdin))
  if (key === undefined) {
    if (passphraseFile !== undefined) throw new UsageError('--passphrase-file needs --key.')
    if (options.certificate !== undefined) throw new UsageError('--certificate needs --key.')
    const isGiven = options.passwordStdin || typePassword !== undefined
    return isGiven ? { type: 'password', password: await readPassword() } : undefined
  }
  const privateKey = await readKeyFile(key)
  const certificate = await readCertificateFile(key, options.certificate)
  if (certificate && options.certificate === undefined)
    context.notice(`signing in with the certificate ${certificateBeside(key)} as well`)
  return {
    type: 'key',
    privateKey,
    ...(passphraseFile !== undefined && {
      passphrase: await readSecretFile(passphraseFile, '--passphrase-file'),
    }),
    certificate,
    ...(options.passwordStdin && { password: await readPassword() }),
  }
}

/** Reads the sudo password that an option names; undefined if it is not given. */
export const readSudoPassword = async (file: string | undefined): Promise<string | undefined> =>
  file === undefined ? undefined : readSecretFile(file, '--sudo-password-file')

/** Asks for the password of `account` at the terminal, without showing it. */
export async function typedPassword(context: Context, account: string): Promise<string> {
  const password = await askSecret(context, `SSH password of ${account}: `)
  if (password === '') throw new UsageError('No password was given.')
  return password
}
