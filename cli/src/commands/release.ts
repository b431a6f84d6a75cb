import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { basename } from 'node:path'
import type { ReleaseKeysView, ReleaseView } from '@rollcall/contracts/admin'
import { type ReleaseName, releaseText } from '@rollcall/contracts/agent'
import type { Command } from 'commander'
import { uploadMissing } from '../api/uploads.ts'
import type { Context } from '../context.ts'
import { UsageError } from '../errors.ts'
import { readLocalFile } from '../input/local-tree.ts'
import { jsonOption } from '../options.ts'
import { jsonDocument } from '../output/json.ts'
import { table } from '../output/table.ts'

interface Options {
  json?: boolean
}
interface AddOptions extends Options {
  signature?: string
}

export function addReleaseCommands(program: Command, context: Context): void {
  const release = program.command('release').description('releases of the agent that the server has')
  release
    .command('add <archive>')
    .description('bring a release to the server: an archive as its build makes it')
    .option('--signature <file>', 'of the operator (default: <archive>.sig where that is there)')
    .addOption(jsonOption())
    .action((archive: string, options: AddOptions) => addRelease(context, archive, options))
  release
    .command('sign <archive>')
    .description('sign a release with a key of yours, into <archive>.sig; asks no server')
    .requiredOption(
      '--key <file>',
      'an Ed25519 private key in PEM, as "openssl genpkey -algorithm ed25519" makes it',
    )
    .action((archive: string, { key }: { key: string }) => signRelease(context, archive, key))
  release
    .command('keys')
    .description('the keys that releases are signed with')
    .addOption(jsonOption())
    .action(async (options: Options) => showKeys(context, await context.api.call('listReleaseKeys'), options))
  release
    .command('renew-key')
    .description("make a new key for the servers' signatures; hosts learn of it as they are upgraded")
    .addOption(jsonOption())
    .action(async (options: Options) => showKeys(context, await context.api.call('renewReleaseKey'), options))
  release
    .command('list', { isDefault: true })
    .addOption(jsonOption())
    .action((options: Options) => releases(context, options))
}

async function releases({ api, stdout }: Context, { json }: Options): Promise<void> {
  const answer = await api.call('listReleases')
  stdout.write(json ? jsonDocument(answer) : releaseTable(answer.releases))
}

async function addRelease(
  { api, stdout }: Context,
  archive: string,
  { json, signature: signatureFile }: AddOptions,
): Promise<void> {
  const file = await readLocalFile(archive)
  const signature = await readSignature(signatureFile ?? `${file.local}.sig`, signatureFile !== undefined)
  await uploadMissing(api, [file])
  const answer = await api.call('addRelease', {
    body: { sha256: file.sha256, ...(signature !== undefined && { signature }) },
  })
  stdout.write(json ? jsonDocument(answer) : releaseTable(answer.releases))
}

/** Undefined where there is none and none was named. */
async function readSignature(file: string, isNamed: boolean): Promise<string | undefined> {
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' && !isNamed) return undefined
    throw new UsageError(`The signature ${file} cannot be read (${code ?? 'unknown'}).`)
  }
}

async function signRelease({ stdout }: Context, archive: string, keyFile: string): Promise<void> {
  const { local, sha256 } = await readLocalFile(archive)
  const { version, architecture } = nameOf(local)
  const key = await readKey(keyFile)
  const signature = sign(null, Buffer.from(releaseText({ version, architecture, sha256 })), key)
  await writeFile(`${local}.sig`, `${signature.toString('base64')}\n`)
  const x = String(createPublicKey(key).export({ format: 'jwk' }).x)
  stdout.write(`${local}.sig: ${version} for linux-${architecture}\n`)
  stdout.write(
    `Servers take it with ROLLCALL_RELEASE_KEYS=${Buffer.from(x, 'base64url').toString('base64')}\n`,
  )
}

async function readKey(file: string): Promise<KeyObject> {
  try {
    const key = createPrivateKey(await readFile(file))
    if (key.asymmetricKeyType === 'ed25519') return key
  } catch {
    // OpenSSL's words help nobody, and an error about a key must not carry any of it.
  }
  throw new UsageError(
    `${file} is no Ed25519 private key in PEM. Make one with: openssl genpkey -algorithm ed25519 -out ${file}`,
  )
}

function nameOf(path: string): Pick<ReleaseName, 'version' | 'architecture'> {
  const name = /^rollcall-agent-([0-9A-Za-z.+-]+)-linux-(x64|arm64)\.tar\.gz$/.exec(basename(path))
  if (name) return { version: name[1] as string, architecture: name[2] as ReleaseName['architecture'] }
  throw new UsageError(
    `${path} does not say which release it is. Its name must be rollcall-agent-VERSION-linux-x64.tar.gz, or -arm64, as the build gives it.`,
  )
}

function showKeys({ stdout }: Context, answer: ReleaseKeysView, { json }: Options): void {
  const { operator, servers } = answer
  const rows = [
    ...operator.map((key) => [key, 'operator', '']),
    ...servers.map(({ key, createdAt }, place) => [
      key,
      operator.length > 0 ? 'servers, not used' : place === 0 ? 'servers' : 'servers, earlier',
      createdAt,
    ]),
  ]
  stdout.write(json ? jsonDocument(answer) : table(['KEY', 'WHOSE', 'MADE'], rows))
}

const releaseTable = (releases: readonly ReleaseView[]) =>
  table(
    ['VERSION', 'ARCHITECTURE', 'OWN', 'SIGNED BY', 'SHA256'],
    releases.map((one) => [
      one.version,
      one.architecture,
      one.isOwn ? 'yes' : 'no',
      one.signedBy,
      one.sha256,
    ]),
  )
