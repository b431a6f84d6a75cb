import { basename, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { sanitizeText } from '@rollcall/contracts'
import type { Target } from '@rollcall/contracts/admin'
import { uploadMissing } from '../api/uploads.ts'
import type { Context } from '../context.ts'
import { copyFrom } from '../copy/copy-from.ts'
import { parseMode, parseRemote, toDestination } from '../copy/copy-operands.ts'
import { readLocalFile, readLocalTree, toManifest } from '../copy/local-tree.ts'
import { type ShownTransfer, showTransferUntilEnd } from '../copy/show-transfer.ts'
import { UsageError } from '../errors.ts'
import { collectTexts, jsonOption } from '../options/parsers.ts'
import { toOption } from '../options/rename-fields.ts'
import type { AskingCommand } from '../output/answers.ts'
import { jsonDocument } from '../output/json.ts'
import { table } from '../output/table.ts'

interface Options {
  recursive?: boolean
  label?: string[]
  all?: boolean
  mode?: number
  owner?: string
  parents?: boolean
  delete?: boolean
  dryRun?: boolean
  json?: boolean
}

const HELP = `
Files appear complete or not at all; a file whose content is the same already is not sent. With -r only files that differ are sent,
with symbolic links, folders, permissions and times; other files on the host stay unless --delete is given. A replaced file keeps
its access list and capabilities. Device files and the like are skipped and reported.
A copy continues when a host, its agent or the server is away for a while, and after Ctrl-C: see "rollcall transfers".
Copies from a host go to a file or folder here, and those from several hosts into one folder for each. With -r only files that
differ are fetched; other files here stay.

Examples:
  rollcall cp app.conf web-1:/etc/app/app.conf --mode 640 --owner root:app
  rollcall cp -r site/ web-1,web-2:/srv/site --parents
  rollcall cp -r site/ web-1:/srv/site --delete --dry-run
  rollcall cp motd :/etc/motd --label env=prod
  rollcall cp web-1,web-2:/var/log/app.log logs/
  rollcall cp -r web-1:/etc/nginx backup/`

export function addCommands(program: AskingCommand, context: Context): void {
  program
    .command('cp <source> <destination>')
    .description('copy a file, or a folder with -r, to or from hosts')
    .usage('[options] LOCAL HOST[,HOST…]:/PATH  |  HOST[,HOST…]:/PATH LOCAL')
    .option('-r, --recursive', 'copy a folder and everything in it')
    .option(
      '--label <selector>',
      'to hosts whose labels match; may be given again, then all must match',
      collectTexts,
    )
    .option('--all', 'to every host')
    .option('--mode <octal>', 'permissions of the file (default: those of the local file)', parseMode)
    .option('--owner <user:group>', 'owner of the file (default: unchanged, or root)')
    .option('--parents', 'create missing parent folders')
    .option('--delete', 'with -r: remove files that exist only on the host')
    .option('--dry-run', 'with -r: show what would change, and change nothing')
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action((source: string, destination: string, options: Options) =>
      copy(context, source, destination, options),
    )
}

async function copy(context: Context, source: string, destination: string, options: Options): Promise<void> {
  const place = parseRemote(destination)
  const origin = parseRemote(source)
  if ((origin === null) === (place === null))
    throw new UsageError(
      'One path must be local and the other on hosts, such as: rollcall cp motd web-1:/etc/motd.',
    )
  if (origin !== null) {
    refuseOptionsOfPlacing(options)
    return copyFrom(context, origin, destination, options)
  }
  if (place === null) return
  const target = toTarget(place.hosts, options)
  const { path } = place
  const fileName = basename(resolve(source))
  if (!options.recursive && (options.delete || options.dryRun))
    throw new UsageError(`${options.delete ? '--delete' : '--dry-run'} is for folders: give -r too.`)
  const started = options.recursive
    ? await startTree(context, source, toPlacing(path.replace(/\/+$/, ''), target, options), options)
    : await startFile(context, source, toPlacing(toDestination(path, fileName), target, options), options)
  for (const { host, reason } of started.skipped) context.notice(`skipped ${host}: ${reason}`)
  const shown = await showTransferUntilEnd(context, started.transfer.id)
  report(context, shown, options)
}

const PLACING = ['label', 'all', 'mode', 'owner', 'parents', 'delete', 'dryRun'] as const

function refuseOptionsOfPlacing(options: Options): void {
  const wrong = PLACING.find((name) => options[name] !== undefined)
  if (wrong) throw new UsageError(`${toOption(wrong)} applies only to copying to hosts.`)
}

function toTarget(hosts: readonly string[], { label, all }: Options): Target {
  const ways = [hosts.length > 0 && 'hosts before the colon', label && '--label', all && '--all'].filter(
    Boolean,
  )
  if (ways.length !== 1)
    throw new UsageError(
      ways.length === 0
        ? 'Say which hosts: HOST:/PATH, or :/PATH with --label or --all.'
        : `Choose one of ${ways.join(' and ')}.`,
    )
  if (hosts.length > 0) return { hosts: [...hosts] }
  return label ? { labels: label } : { all: true }
}

/** The fields of a request to place a file or a folder. */
const toPlacing = (destination: string, target: Target, { owner, parents }: Options) => ({
  ...target,
  destination,
  owner: owner ?? null,
  makeParents: parents ?? false,
})

type Placing = ReturnType<typeof toPlacing>

async function startFile(context: Context, source: string, placing: Placing, options: Options) {
  const file = await readLocalFile(source)
  if (file.setIdBits !== 0 && options.mode === undefined)
    context.notice(
      `${source} is set-${(file.setIdBits & 0o4000) !== 0 ? 'user' : 'group'}-id here but will not be on the host: give --mode ${(file.setIdBits | file.mode).toString(8)} to keep it`,
    )
  await uploadMissing(context.api, [file])
  const content = { kind: 'file' as const, sha256: file.sha256 }
  return context.api.call('startTransfer', {
    body: { ...placing, source: content, mode: options.mode ?? file.mode },
  })
}

async function startTree(context: Context, source: string, placing: Placing, options: Options) {
  if (options.mode !== undefined)
    throw new UsageError('--mode is for a single file: files of a folder keep their modes.')
  const tree = await readLocalTree(source, (path, why) => context.notice(`${path} ${why}`))
  await uploadMissing(context.api, tree.files)
  const { sha256 } = await context.api.upload('addContent', Readable.from([toManifest(tree)]))
  const { delete: deleteOthers, dryRun } = options
  return context.api.call('startTransfer', {
    body: { ...placing, source: { kind: 'tree', sha256 }, deleteOthers, dryRun },
  })
}

function report(context: Context, shown: ShownTransfer, { json, dryRun }: Options): void {
  const { transfer, hosts } = shown
  if (transfer.counts.success !== hosts.length) context.exitCode = 1
  if (json) return void context.stdout.write(jsonDocument(shown))
  if (dryRun) for (const host of hosts) context.stdout.write(formatPlan(host))
  const hasChanges = hosts.some(({ changes }) => changes !== null)
  context.stdout.write(
    table(
      [
        'HOST',
        'STATE',
        dryRun ? 'TO WRITE' : 'WRITTEN',
        'UNCHANGED',
        ...(hasChanges ? ['LINKS', 'FOLDERS', 'REMOVED'] : []),
        'REASON',
      ],
      hosts.map((host) => [
        host.host,
        host.state,
        host.filesWritten,
        host.filesUnchanged,
        ...(hasChanges ? [host.changes?.links, host.changes?.folders, host.changes?.removed] : []),
        host.reason,
      ]),
    ),
  )
}

/** Formats what a dry run would do on one host, one line for each change. */
function formatPlan({ host, changes, filesWritten }: ShownTransfer['hosts'][number]): string {
  if (changes === null) return ''
  const lines = changes.listed.map(({ change, path }) => `${host} | ${change} ${sanitizeText(path, 500)}\n`)
  const all = (filesWritten ?? 0) + changes.links + changes.folders + changes.removed
  const left = all - changes.listed.length
  return lines.join('') + (left > 0 ? `${host} | and ${left} more\n` : '')
}
