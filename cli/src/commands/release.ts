import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { basename } from 'node:path'
import type { ReleaseKeysView, ReleaseView } from '@rollcall/contracts/admin'
import { type ReleaseName, releaseText } from '@rollcall/contracts/agent'
import type { Client } from '../api/client.ts'
import { uploadMissing } from '../api/uploads.ts'
import type { Context } from '../context.ts'
import { readLocalFile } from '../copy/local-tree.ts'
import { UsageError } from '../errors.ts'
import type { AskingCommand } from '../output/answers.ts'
import { table } from '../output/table.ts'

interface AddOptions {
  signature?: string
}

export function addCommands(program: AskingCommand, context: Context): void {
  const { api, stdout } = context
  const release = program.command('release').description('manage the agent releases that the server has')
  release
    .command('add <archive>')
    .description('upload a release: an archive as its build makes it')
    .option('--signature <file>', "the operator's signature (default: <archive>.sig if it exists)")
    .printsAnswer((archive: string, options: AddOptions) => addRelease(api, archive, options), toTable)
  release
    .command('sign <archive>')
    .description('sign a release with your own key, into <archive>.sig; needs no server')
    .requiredOption(
      '--key <file>',
      'an Ed25519 private key in PEM, as "openssl genpkey -algorithm ed25519" makes it',
    )
    .action(
      async (archive: string, { key }: { key: string }) => void stdout.write(await signRelease(archive, key)),
    )
  const keys = release.command('keys').description('list the keys that releases are signed with')
  keys.printsAnswer(() => api.call('listReleaseKeys'), toKeyTable)
  const renewKey = release
    .command('renew-key')
    .description("create a new key for the servers' signatures; hosts learn it when they are upgraded")
  renewKey.printsAnswer(() => api.call('renewReleaseKey'), toKeyTable)
  const list = release.command('list', { isDefault: true }).description('list releases')
  list.printsAnswer(() => api.call('listReleases'), toTable)
}

async function addRelease(api: Client, archive: string, { signature: signatureFile }: AddOptions) {
  const file = await readLocalFile(archive)
  const signature = await readSignature(signatureFile ?? `${file.local}.sig`, signatureFile !== undefined)
  await uploadMissing(api, [file])
  return api.call('addRelease', {
    body: { sha256: file.sha256, signature },
  })
}

/** Reads a signature. Returns undefined if there is none and none was named. */
async function readSignature(file: string, isNamed: boolean): Promise<string | undefined> {
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' && !isNamed) return undefined
    throw new UsageError(`The signature ${file} cannot be read (${code ?? 'unknown'}).`)
  }
}

/** Signs a release into a file beside it. Returns what to tell the person. */
async function signRelease(archive: string, keyFile: string): Promise<string> {
  const { local, sha256 } = await readLocalFile(archive)
  const { version, architecture } = toName(local)
  const key = await readKey(keyFile)
  const signature = sign(null, Buffer.from(releaseText({ version, architecture, sha256 })), key)
  await writeFile(`${local}.sig`, `${signature.toString('base64')}\n`)
  const x = String(createPublicKey(key).export({ format: 'jwk' }).x)
  return [
    `${local}.sig: ${version} for linux-${architecture}\n`,
    `Servers accept it with ROLLCALL_RELEASE_KEYS=${Buffer.from(x, 'base64url').toString('base64')}\n`,
  ].join('')
}

async function readKey(file: string): Promise<KeyObject> {
  try {
    const key = createPrivateKey(await readFile(file))
    if (key.asymmetricKeyType === 'ed25519') return key
  } catch {
    // OpenSSL's message says nothing useful, and an error must not carry any part of a key.
  }
  throw new UsageError(
    `${file} is not an Ed25519 private key in PEM. Create one with: openssl genpkey -algorithm ed25519 -out ${file}`,
  )
}

function toName(path: string): Pick<ReleaseName, 'version' | 'architecture'> {
  const name = /^rollcall-agent-([0-9A-Za-z.+-]+)-linux-(x64|arm64)\.tar\.gz$/.exec(basename(path))
  if (name) return { version: name[1] as string, architecture: name[2] as ReleaseName['architecture'] }
  throw new UsageError(
    `${path} must be named as the build names it: rollcall-agent-VERSION-linux-x64.tar.gz, or -arm64.`,
  )
}

function toKeyTable({ operator, servers }: ReleaseKeysView): string {
  const rows = [
    ...operator.map((key) => [key, 'operator', '']),
    ...servers.map(({ key, createdAt }, place) => [
      key,
      operator.length > 0 ? 'servers, not used' : place === 0 ? 'servers' : 'servers, earlier',
      createdAt,
    ]),
  ]
  return table(['KEY', 'OWNER', 'CREATED'], rows)
}

const toTable = ({ releases }: { releases: readonly ReleaseView[] }) =>
  table(
    ['VERSION', 'ARCHITECTURE', 'OWN', 'SIGNED BY', 'SHA256'],
    releases.map(({ version, architecture, isOwn, signedBy, sha256 }) => [
      version,
      architecture,
      isOwn ? 'yes' : 'no',
      signedBy,
      sha256,
    ]),
  )
