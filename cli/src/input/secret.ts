import { readFile, stat } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import type { Context } from '../context.ts'
import { CliError, InterruptedError, UsageError } from '../errors.ts'

const MAX_LINE_BYTES = 4096
const MAX_FILE_BYTES = 65_536

const CTRL_C = 0x03
const CTRL_D = 0x04
const CTRL_U = 0x15
const BACKSPACES = new Set([0x08, 0x7f])
const ENTERS = new Set([0x0a, 0x0d])

/** Reads the first line of standard input. Throws `UsageError` if it is empty or too long. */
export async function readSecretLine(stdin: Readable): Promise<string> {
  let bytes = Buffer.alloc(0)
  for await (const chunk of stdin) {
    bytes = Buffer.concat([bytes, chunk])
    if (bytes.includes(0x0a)) break
    if (bytes.length > MAX_LINE_BYTES)
      throw new UsageError('The first line of standard input is too long for a password.')
  }
  const line = firstLine(bytes.toString('utf8'))
  if (line === '') throw new UsageError('The first line of standard input is empty; it must be the password.')
  return line
}

/** Reads a passphrase or a password from the first line of a file. Throws `UsageError` if it is empty. */
export async function readSecretFile(path: string, option: string): Promise<string> {
  const line = firstLine(await readWholeFile(path, option))
  if (line === '') throw new UsageError(`${option}: the first line of ${path} is empty.`)
  return line
}

/** Reads a private key file. Throws `UsageError` for a public key. */
export async function readKeyFile(path: string): Promise<string> {
  const text = await readWholeFile(path, '--key')
  if (/^(ssh-|ecdsa-|sk-)/.test(text))
    throw new UsageError(
      `--key: ${path} is a public key. Give the private one, which usually has the same name without ".pub".`,
    )
  return text
}

/** Returns where ssh looks for the certificate of a key. */
export const certificateBeside = (keyPath: string): string => `${keyPath.replace(/\.ppk$/i, '')}-cert.pub`

/** Reads the certificate of a key: the named file, or the one beside the key if it exists. */
export async function readCertificateFile(
  keyPath: string,
  path: string | undefined,
): Promise<string | undefined> {
  const text =
    path === undefined
      ? await readIfThere(certificateBeside(keyPath))
      : await readWholeFile(path, '--certificate')
  if (text === undefined || /^[a-z0-9-]+-cert-v01@openssh\.com /.test(text)) return text?.trim()
  throw new UsageError(
    `--certificate: ${path ?? certificateBeside(keyPath)} is not an OpenSSH certificate. Give the file that "ssh-keygen -s" wrote, which ends in "-cert.pub".`,
  )
}

async function readIfThere(path: string): Promise<string | undefined> {
  const there = await stat(path).catch(() => null)
  return there?.isFile() ? readWholeFile(path, '--certificate') : undefined
}

async function readWholeFile(path: string, option: string): Promise<string> {
  try {
    if ((await stat(path)).size > MAX_FILE_BYTES)
      throw new UsageError(`${option}: ${path} is larger than ${MAX_FILE_BYTES / 1024} KiB.`)
    return await readFile(path, 'utf8')
  } catch (cause) {
    if (cause instanceof UsageError) throw cause
    throw new CliError(`${option}: cannot read ${path}: ${(cause as Error).message}.`, { cause })
  }
}

const firstLine = (text: string) => text.split(/\r?\n/, 1)[0] ?? ''

/** Asks at the terminal without showing what is typed. Leaves the terminal as it was. */
export async function askSecret(
  { stdin, stderr }: Pick<Context, 'stdin' | 'stderr'>,
  question: string,
): Promise<string> {
  const typed: number[] = []
  // Before the question: what is typed early must not be shown either.
  stdin.setRawMode(true)
  stderr.write(question)
  try {
    for await (const chunk of stdin.iterator({ destroyOnReturn: false })) {
      for (const byte of chunk as Buffer) {
        if (ENTERS.has(byte)) return Buffer.from(typed).toString('utf8')
        if (byte === CTRL_C || (byte === CTRL_D && typed.length === 0)) throw new InterruptedError(130)
        if (BACKSPACES.has(byte)) dropCharacter(typed)
        else if (byte === CTRL_U) typed.length = 0
        else typed.push(byte)
      }
    }
    throw new InterruptedError(130)
  } finally {
    stdin.setRawMode(false)
    stdin.pause()
    stderr.write('\n')
  }
}

function dropCharacter(bytes: number[]): void {
  let last: number | undefined
  do last = bytes.pop()
  while (last !== undefined && (last & 0xc0) === 0x80)
}
