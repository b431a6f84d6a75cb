import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { CollectionSource, CollectionView } from '@rollcall/contracts/admin'
import type { Command } from 'commander'
import { uploadStream } from '../api/uploads.ts'
import type { Context } from '../context.ts'
import { UsageError } from '../errors.ts'
import { jsonOption } from '../options.ts'
import { jsonDocument } from '../output/json.ts'
import { table } from '../output/table.ts'

interface Options {
  git?: string
  commit?: string
  for?: string[]
  json?: boolean
}

const HELP = `
At the top of the folder, or of the .tar.gz, are playbooks NAME.yml, and under roles/ what they use, each role with its
meta/argument_specs.yml. They are run as COLLECTION/NAME. Added again with other content, it is a new version, which runs from then on.
A repository is fetched by the server: https://, or ssh:// with a key of the server's own account.

Examples:
  rollcall playbook add mysite ./playbooks
  rollcall playbook add mysite --git https://git.example/site.git --commit 4b825dc642cb6eb9a060e54bf8d69288fbee4904
  rollcall playbook run mysite/deploy --label env=prod`

export function addCollectionCommands(playbook: Command, context: Context): void {
  playbook
    .command('add <collection> [folder-or-archive]')
    .description('add playbooks of your own, or another version of them')
    .option('--git <url>', 'take them from a git repository')
    .option('--commit <id>', 'the commit, whole')
    .option(
      '--for <selector...>',
      'labels of the hosts that they are for: who may act on some hosts only sees and runs them there',
    )
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action((name: string, path: string | undefined, options: Options) => add(context, name, path, options))
  playbook
    .command('remove <collection>')
    .description('remove playbooks of your own; on the hosts nothing is undone')
    .action(async (name: string) => {
      await context.api.call('removeCollection', { params: { name } })
      context.stdout.write(`Removed ${name}.\n`)
    })
  playbook
    .command('collections')
    .description('your own playbooks: where they come from and who added them')
    .addOption(jsonOption())
    .action((options: Options) => list(context, options))
}

async function add(
  context: Context,
  name: string,
  path: string | undefined,
  options: Options,
): Promise<void> {
  const source = await sourceOf(context, path, options)
  const answer = await context.api.call('addCollection', {
    body: { name, source, ...(options.for && { labels: options.for }) },
  })
  const { collection, isNew } = answer
  if (options.json) context.stdout.write(jsonDocument(answer))
  else
    context.stdout.write(
      `${name} ${isNew ? 'is now' : 'was already'} at version ${short(collection)}: ${collection.playbooks.join(', ')}\n`,
    )
}

async function sourceOf(
  { api }: Context,
  path: string | undefined,
  { git, commit }: Options,
): Promise<CollectionSource> {
  if (git !== undefined && commit !== undefined && path === undefined)
    return { kind: 'git', url: git, commit }
  if (path === undefined || git !== undefined || commit !== undefined)
    throw new UsageError('Give a folder or a .tar.gz, or --git URL with --commit ID.')
  const found = await stat(path).catch((error: Error) => {
    throw new UsageError(`${path} cannot be read: ${error.message}.`)
  })
  if (!found.isDirectory())
    return { kind: 'archive', sha256: (await uploadStream(api, createReadStream(path))).sha256 }
  // In the form of tar that everybody reads, and without what macOS adds.
  const args = ['--format=ustar', '--exclude=.git', '-czf', '-', '-C', path, '.']
  const tar = spawn('tar', args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, COPYFILE_DISABLE: '1' },
  })
  const ended = once(tar, 'close')
  const [{ sha256 }, [code]] = await Promise.all([uploadStream(api, tar.stdout), ended])
  if (code !== 0) throw new UsageError(`tar could not pack ${path}; it ended with ${code}.`)
  return { kind: 'archive', sha256 }
}

async function list({ api, stdout }: Context, { json }: Options): Promise<void> {
  const answer = await api.call('listCollections')
  const rows = answer.collections.map((each) => [
    each.name,
    short(each),
    String(each.playbooks.length),
    each.addedBy,
    each.addedAt,
    whence(each),
    each.labels?.join(', ') ?? 'all hosts',
  ])
  stdout.write(
    json
      ? jsonDocument(answer)
      : table(['COLLECTION', 'VERSION', 'PLAYBOOKS', 'ADDED BY', 'ADDED AT', 'FROM', 'FOR'], rows),
  )
}

const short = ({ version }: CollectionView) => version.slice(0, 12)
const whence = ({ source }: CollectionView) =>
  source.kind === 'git' ? `${source.url} ${source.commit.slice(0, 12)}` : 'an archive'
