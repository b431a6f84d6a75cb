import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { RollcallError, sanitizeText } from '@rollcall/contracts'
import {
  isTreeFile,
  MAX_LISTED_CHANGES,
  type TransferOrder,
  type TransferResult,
  type TreeEntry,
  type TreeFile,
  type TreeFolder,
  type TreeLink,
  treeEntry,
  treeFile,
} from '@rollcall/contracts/agent'
import type { z } from 'zod'
import { readIfThere, replaceFile } from '../platform/files.ts'
import { helperEnvironment } from '../platform/helper-environment.ts'
import type { TransferPaths } from '../spool/transfer-paths.ts'
import { readWanted } from '../spool/transfer-records.ts'
import { type Owner, resolveOwner } from './file-owner.ts'
import { PartFile } from './part-file.ts'
import type { Comparison, DesiredFile } from './placed-file.ts'
import { publish, refuseUnpublishable } from './publish.ts'
import { requireSpace } from './put-file.ts'
import { type Folder, findFolder, openFolder } from './safe-path.ts'
import type { TransferJob } from './transfer-job.ts'
import { planRemoval, refuseFirstLevel } from './tree-removal.ts'
import { TreeSync } from './tree-sync.ts'
import { TreeWriter } from './tree-writer.ts'
import { type Range, toRanges, wantedIndexes } from './wanted-ranges.ts'

type PutTree = Extract<TransferOrder, { kind: 'put_tree' }>
type SyncTree = Extract<TransferOrder, { kind: 'sync_tree' }>

const SYNC_TIMEOUT_MS = 10 * 60_000

/** Places the files of a tree that differ from its manifest. Throws `RollcallError` with a `file.*` code. */
export async function putTree(
  order: PutTree,
  job: TransferJob,
  paths: TransferPaths,
): Promise<TransferResult> {
  if (order.publish_as !== null) refuseUnpublishable(order.path)
  const owner = resolveOwner(order.owner)
  const files = parseManifest(await readManifest(order, job, paths))
  // Parents are created on request only, the tree's own folder always.
  if (!order.make_parents) openFolder(dirname(order.path), { makes: false })[Symbol.dispose]()
  const root = openFolder(order.path, { makes: true })
  const tree = new TreeWriter(root, owner, job)
  const ranges = readWanted(paths) ?? recordWanted(files, tree, paths)
  const wanted = wantedIndexes(ranges).map((index) => files[index] as TreeFile)
  if (job.content.offset === order.manifest.size) requireSpace(root, toBytes(wanted), job.leftFree)
  await tree.write(wanted, order.manifest.size)
  if (wanted.length > 0) flush(root)
  if (order.publish_as !== null) publish(order.path, order.publish_as)
  return { error: null, files_written: wanted.length, files_unchanged: files.length - wanted.length }
}

/**
 * Makes a tree equal to its manifest: files, links, folders, and with `delete` nothing else. Throws for an obstacle before
 * anything is changed.
 */
export async function syncTree(
  order: SyncTree,
  job: TransferJob,
  paths: TransferPaths,
): Promise<TransferResult> {
  const owner = resolveOwner(order.owner)
  const entries = parseEntries(await readManifest(order, job, paths))
  const isDryRun = order.dry_run
  if (order.delete) refuseFirstLevel(order.path)
  if (!order.make_parents) openFolder(dirname(order.path), { makes: false })[Symbol.dispose]()
  const root = isDryRun ? findFolder(order.path) : openFolder(order.path, { makes: true })
  if (root === null) return toPlannedResult(entries)
  const files = entries.filter(isTreeFile)
  const links = entries.filter((entry): entry is TreeLink => 'link' in entry)
  const folders = entries.filter((entry): entry is TreeFolder => 'folder' in entry)
  const { id, notePart } = job
  const sync = new TreeSync(root, { id, owner, isDryRun, notePart: (path) => notePart(path) })
  sync.check(entries)
  const extra = order.delete ? planRemoval(root, entries, id) : []
  const { wanted, outdated, ranges } = compareFiles(entries, root, owner, job, paths)
  if (isDryRun || job.content.offset === order.manifest.size)
    requireSpace(root, toBytes(wanted), job.leftFree)
  for (const { path } of wanted) sync.listWrite(path)
  sync.createFolders(folders)
  if (!isDryRun) {
    replaceFile(paths.wanted, JSON.stringify(ranges))
    const tree = new TreeWriter(root, owner, job, { replacesLinks: true })
    await tree.write(wanted, order.manifest.size)
    for (const file of outdated) tree.setMetadata(file)
  }
  sync.setLinks(links)
  sync.removeExtra(extra)
  sync.finishFolders(folders)
  if (!isDryRun) flush(root)
  const counts = { files_written: wanted.length, files_unchanged: files.length - wanted.length }
  return { error: null, ...counts, changes: sync.changes }
}

/** Returns the files to send, as an earlier worker may have decided, and those whose metadata may be outdated. Changes nothing. */
function compareFiles(
  entries: readonly TreeEntry[],
  root: Folder,
  owner: Owner,
  job: TransferJob,
  paths: TransferPaths,
) {
  const tree = new TreeWriter(root, owner, job, { replacesLinks: true, isDryRun: true })
  const decided = readWanted(paths)
  // Files that an earlier worker compared are not compared again: it may have changed some of them.
  const compare = (file: TreeFile): Comparison => (decided === null ? tree.compare(file) : 'metadata-differs')
  const comparisons = entries.map((entry) => (isTreeFile(entry) ? compare(entry) : null))
  const ranges =
    decided ??
    toRanges(comparisons.flatMap((comparison, index) => (comparison === 'different' ? [index] : [])))
  // Ranges may cover more than the files that differ, and everything in them is sent.
  const isWanted = new Set(wantedIndexes(ranges))
  const filesWhere = (holds: (index: number) => boolean) =>
    entries.flatMap((entry, index) => (isTreeFile(entry) && holds(index) ? [entry] : []))
  const wanted = filesWhere((index) => isWanted.has(index))
  if (decided === null) tree.refuseMountPoints(wanted)
  const outdated = filesWhere((index) => comparisons[index] === 'metadata-differs' && !isWanted.has(index))
  return { wanted, outdated, ranges }
}

/** Returns what a dry run reports of a tree that does not exist. */
function toPlannedResult(entries: readonly TreeEntry[]): TransferResult {
  const toChange = (entry: TreeEntry) => (isTreeFile(entry) ? 'write' : 'link' in entry ? 'link' : 'folder')
  const count = (change: string) => entries.filter((entry) => toChange(entry) === change).length
  return {
    error: null,
    files_written: count('write'),
    files_unchanged: 0,
    changes: {
      links: count('link'),
      folders: count('folder'),
      removed: 0,
      listed: entries
        .slice(0, MAX_LISTED_CHANGES)
        .map((entry) => ({ change: toChange(entry), path: sanitizeText(entry.path, 4000) })),
    },
  }
}

const toBytes = (files: readonly TreeFile[]): number => files.reduce((sum, { size }) => sum + size, 0)

/** Receives the manifest, which precedes the files' content, into the spool. Returns its text. */
async function readManifest(
  order: PutTree | SyncTree,
  job: TransferJob,
  paths: TransferPaths,
): Promise<string> {
  const { size, sha256 } = order.manifest
  if (readIfThere(paths.manifest) === null) {
    using spool = openFolder(paths.folder, { makes: false })
    using part = new PartFile(spool, 'manifest.part', job.content.offset)
    while (job.content.offset < size) await job.content.next((piece) => part.write(piece))
    const desired: DesiredFile = { size, sha256, mode: 0o600, owner: { uid: null, gid: null } }
    part.place('manifest', 'the list of files', desired, true)
  }
  return readFileSync(paths.manifest, 'utf8')
}

/** Parses a list of files. Throws `file.path_refused` for a bad line, a file named twice, and a path out of the tree. */
export const parseManifest = (text: string): TreeFile[] => parseLines(text, treeFile)

/** Parses a list of files, links and folders, as `parseManifest`. */
const parseEntries = (text: string): TreeEntry[] => parseLines(text, treeEntry)

function parseLines<T extends TreeEntry>(text: string, schema: z.ZodType<T>): T[] {
  const seen = new Set<string>()
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line, index) => {
      const parsed = schema.safeParse(parseJson(line))
      if (!parsed.success) throw badLine(index, parsed.error.issues[0]?.message ?? 'is not valid')
      if (seen.has(parsed.data.path)) throw badLine(index, 'names a file for the second time')
      seen.add(parsed.data.path)
      return parsed.data
    })
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}

const badLine = (index: number, why: string) =>
  new RollcallError('file.path_refused', `Line ${index + 1} of the list of files ${why}. Nothing was placed.`)

/** Compares the files on the host and records which ones are wanted, for the server and for a later worker. Returns them as ranges. */
function recordWanted(files: readonly TreeFile[], tree: TreeWriter, paths: TransferPaths): Range[] {
  const ranges = toRanges(files.flatMap((file, index) => (tree.has(file) ? [] : [index])))
  replaceFile(paths.wanted, JSON.stringify(ranges))
  return ranges
}

/** Flushes the whole file system, in one call instead of two for each of thousands of files. */
function flush(root: Folder): void {
  execFileSync('sync', ['-f', '--', `/proc/${process.pid}/fd/${root.fd}`], {
    env: helperEnvironment(),
    timeout: SYNC_TIMEOUT_MS,
    stdio: 'ignore' as const,
  })
}
