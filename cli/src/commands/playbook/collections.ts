import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { CollectionSource, CollectionView } from '@rollcall/contracts/admin'
import { uploadStream } from '../../api/uploads.ts'
import type { Context } from '../../context.ts'
import { UsageError } from '../../errors.ts'
import type { AskingCommand } from '../../output/answers.ts'
import { table } from '../../output/table.ts'

interface AddOptions {
  git?: string
  commit?: string
  for?: string[]
}

const HELP = `
The folder, or the .tar.gz, holds playbooks NAME.yml at its top and their roles under roles/, each role with its
meta/argument_specs.yml. They are run as COLLECTION/NAME. Adding other content under the same name makes a new version, which is
used from then on. A git repository is fetched by the server: https://, or ssh:// with a key of the server's account.

Examples:
  rollcall playbook add mysite ./playbooks
  rollcall playbook add mysite --git https://git.example/site.git --commit 4b825dc642cb6eb9a060e54bf8d69288fbee4904
  rollcall playbook run mysite/deploy --label env=prod`

export function addCollectionCommands(playbook: AskingCommand, context: Context): void {
  const { api } = context
  playbook
    .command('add <collection> [folder-or-archive]')
    .description('add your own playbooks, or a new version of them')
    .option('--git <url>', 'take them from a git repository')
    .option('--commit <id>', 'the full commit id')
    .option(
      '--for <selector...>',
      'labels of the hosts they are for: people who may act on some hosts only see and run them there',
    )
    .addHelpText('after', HELP)
    .printsAnswer(
      async (name: string, path: string | undefined, options: AddOptions) =>
        api.call('addCollection', {
          body: { name, source: await toSource(context, path, options), labels: options.for },
        }),
      ({ collection, isNew }) =>
        `${collection.name} ${isNew ? 'is now' : 'was already'} at version ${toShortVersion(collection)}: ${collection.playbooks.join(', ')}\n`,
    )
  playbook
    .command('remove <collection>')
    .description('remove your own playbooks; nothing changes on the hosts')
    .printsAnswer(
      (name: string) => api.call('removeCollection', { params: { name } }),
      (_answer, name: string) => `Removed ${name}.\n`,
    )
  playbook
    .command('collections')
    .description('list your own playbooks with their source and owner')
    .printsAnswer(
      () => api.call('listCollections'),
      ({ collections }) =>
        table(
          ['COLLECTION', 'VERSION', 'PLAYBOOKS', 'ADDED BY', 'ADDED AT', 'FROM', 'FOR'],
          collections.map(toRow),
        ),
    )
}

const toRow = (collection: CollectionView) => [
  collection.name,
  toShortVersion(collection),
  collection.playbooks.length,
  collection.addedBy,
  collection.addedAt,
  formatSource(collection),
  collection.labels?.join(', ') ?? 'all hosts',
]

async function toSource(
  { api }: Context,
  path: string | undefined,
  { git, commit }: AddOptions,
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
  // A format that every tar reads, without the files that macOS adds.
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

const toShortVersion = ({ version }: CollectionView) => version.slice(0, 12)
const formatSource = ({ source }: CollectionView) =>
  source.kind === 'git' ? `${source.url} ${source.commit.slice(0, 12)}` : 'an archive'
