import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { fieldErrors } from '@rollcall/contracts'
import { type AgentConfig, agentConfig } from '@rollcall/contracts/agent'
import { StartError } from '../platform/start-error.ts'
import { toCertificatePath, toPrivateKeyPath } from './credentials/credential-file.ts'

export interface LoadedConfig {
  config: AgentConfig
  certificate: string
  privateKey: string
}

/** Reads and checks config, certificate and key. Throws `StartError` that names the file and the field. */
export function loadConfig(path: string): LoadedConfig {
  const config = parseConfig(path, readPrivate(path))
  if (config.placing) {
    const { certificate, private_key: privateKey } = config.placing
    checkPair(`${path}: placing`, certificate, path, privateKey)
    return { config, certificate, privateKey }
  }
  const certificatePath = toCertificatePath(dirname(path))
  const keyPath = toPrivateKeyPath(dirname(path))
  const certificate = readText(certificatePath)
  const privateKey = readPrivate(keyPath)
  checkPair(certificatePath, certificate, keyPath, privateKey)
  return { config, certificate, privateKey }
}

function parseConfig(path: string, text: string): AgentConfig {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    // The parser quotes the text around the fault, which may be a secret.
    const where = /position \d+/.exec((error as Error).message)?.[0] ?? 'unknown position'
    throw new StartError(`${path}: is not JSON (at ${where})`)
  }
  const parsed = agentConfig.safeParse(value)
  if (parsed.success) return parsed.data
  const fields = fieldErrors(parsed.error.issues, 'config')
  throw new StartError(fields.map(({ field, message }) => `${path}: ${field}: ${message}`).join('\n'))
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new StartError(`${path}: cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`)
  }
}

/** Reads a file that holds a secret. Throws `StartError` unless it belongs to this user and nobody else can read it. */
function readPrivate(path: string): string {
  const text = readText(path)
  const { mode, uid } = statSync(path)
  const permissions = (mode & 0o7777).toString(8).padStart(4, '0')
  if (permissions !== '0600')
    throw new StartError(`${path}: has mode ${permissions}, must be 0600 (chmod 600)`)
  if (uid !== process.getuid?.()) {
    throw new StartError(`${path}: belongs to user ${uid}, must belong to user ${process.getuid?.()} (chown)`)
  }
  return text
}

function checkPair(certificatePath: string, certificate: string, keyPath: string, privateKey: string): void {
  const parsed = attempt(
    certificatePath,
    'is not a certificate in PEM',
    () => new X509Certificate(certificate),
  )
  const key = attempt(keyPath, 'is not a private key in PEM', () => createPrivateKey(privateKey))
  if (!parsed.checkPrivateKey(key)) {
    throw new StartError(`${keyPath}: does not belong to the certificate ${certificatePath}`)
  }
}

// The cause is omitted: OpenSSL's message may contain a part of the key.
function attempt<T>(path: string, message: string, make: () => T): T {
  try {
    return make()
  } catch {
    throw new StartError(`${path}: ${message}`)
  }
}
