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
import { workerEnvironment } from '../runner/child-environment.ts'
import { type Owner, resolveOwner } from './file-owner.ts'
import { PartFile, type Wish } from './placed-file.ts'
import { publish, refuseUnpublishable } from './publish.ts'
import { type Job, needRoom } from './put-file.ts'
import { type Folder, openFolder } from './safe-path.ts'
import type { TransferPaths } from './transfer-paths.ts'
import { readWanted } from './transfer-records.ts'
import { planRemoval, refuseFirstLevel } from './tree-removal.ts'
import { TreeStep } from './tree-step.ts'
import { TreeWriter } from './tree-writer.ts'
import { toRanges, wantedIndexes } from './wanted.ts'

type PutTree = Extract<TransferOrder, { kind: 'put_tree' }>
type SyncTree = Extract<TransferOrder, { kind: 'sync_tree' }>

const SYNC_MS = 10 * 60_000

export async function putTree(order: PutTree, job: Job, paths: TransferPaths): Promise<TransferResult> {
  if (order.publish_as !== null) refuseUnpublishable(order.path)
  const owner = order.owner === null ? { uid: null, gid: null } : resolveOwner(order.owner)
  const files = parseManifest(await readManifest(order, job, paths))
  // Its parents only where that was asked for; the tree's own folder always.
  if (!order.make_parents) openFolder(dirname(order.path), { makes: false }).close()
  const root = openFolder(order.path, { makes: true })
  const tree = new TreeWriter(root, owner, job)
  const ranges = readWanted(paths) ?? compare(files, tree, paths)
  const wanted = wantedIndexes(ranges).map((index) => files[index] as TreeFile)
  if (job.content.offset === order.manifest.size) needRoom(root, toBytes(wanted), job.leftFree)
  await tree.write(wanted, order.manifest.size)
  if (wanted.length > 0) sync(root)
  if (order.publish_as !== null) publish(order.path, order.publish_as)
  return { error: null, files_written: wanted.length, files_unchanged: files.length - wanted.length }
}

/**
 * Brings a tree in step with its list: files as above, then links, and what does not belong there goes. What stands in the way is said before
 * anything is changed.
 */
export async function syncTree(order: SyncTree, job: Job, paths: TransferPaths): Promise<TransferResult> {
  const owner = order.owner === null ? { uid: null, gid: null } : resolveOwner(order.owner)
  const entries = parseEntries(await readManifest(order, job, paths))
  const isDryRun = order.dry_run
  if (order.delete) refuseFirstLevel(order.path)
  if (!order.make_parents) openFolder(dirname(order.path), { makes: false }).close()
  const root = openRoot(order)
  if (root === null) return allNew(entries)
  const files = entries.filter(isTreeFile)
  const links = entries.filter((entry): entry is TreeLink => 'link' in entry)
  const folders = entries.filter((entry): entry is TreeFolder => 'folder' in entry)
  const { id, notePart } = job
  const step = new TreeStep(root, { id, owner, isDryRun, notePart: (path) => notePart(path) })
  step.check(entries)
  const others = order.delete ? planRemoval(root, entries, id) : []
  const { wanted, unsettled, ranges } = standingsOf(entries, root, owner, job, paths)
  if (isDryRun || job.content.offset === order.manifest.size) needRoom(root, toBytes(wanted), job.leftFree)
  for (const { path } of wanted) step.writes(path)
  step.makeFolders(folders)
  if (!isDryRun) {
    replaceFile(paths.wanted, JSON.stringify(ranges))
    const tree = new TreeWriter(root, owner, job, { replacesLinks: true })
    await tree.write(wanted, order.manifest.size)
    for (const file of unsettled) tree.settle(file)
  }
  step.setLinks(links)
  step.removeOthers(others)
  step.finishFolders(folders)
  if (!isDryRun) sync(root)
  const counts = { files_written: wanted.length, files_unchanged: files.length - wanted.length }
  return { error: null, ...counts, changes: step.changes }
}

/** Which files have to be sent, as a worker before this one may have said, and whose rights and times may have to be set right. Changes nothing. */
function standingsOf(
  entries: readonly TreeEntry[],
  root: Folder,
  owner: Owner,
  job: Job,
  paths: TransferPaths,
) {
  const tree = new TreeWriter(root, owner, job, { replacesLinks: true, isDryRun: true })
  const said = readWanted(paths)
  // What a worker before this one has compared is not compared again: it may have set some of it right.
  const standingOf = (file: TreeFile) => (said === null ? tree.standingOf(file) : 'rights-differ')
  const standings = entries.map((entry) => (isTreeFile(entry) ? standingOf(entry) : null))
  const ranges =
    said ?? toRanges(standings.flatMap((standing, index) => (standing === 'other' ? [index] : [])))
  // Ranges may hold more than what differs, and all that they hold is sent.
  const isWanted = new Set(wantedIndexes(ranges))
  const filesWhere = (holds: (index: number) => boolean) =>
    entries.flatMap((entry, index) => (isTreeFile(entry) && holds(index) ? [entry] : []))
  const wanted = filesWhere((index) => isWanted.has(index))
  if (said === null) tree.refuseMountPoints(wanted)
  const unsettled = filesWhere((index) => standings[index] === 'rights-differ' && !isWanted.has(index))
  return { wanted, unsettled, ranges }
}

/** Null for a folder that is not there, and that a dry run does not make. */
function openRoot(order: SyncTree): Folder | null {
  try {
    return openFolder(order.path, { makes: !order.dry_run })
  } catch (error) {
    if (order.dry_run && error instanceof RollcallError && error.code === 'file.not_found') return null
    throw error
  }
}

function allNew(entries: readonly TreeEntry[]): TransferResult {
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

/** The list comes first, as content like any other, and is kept in the spool. */
async function readManifest(order: PutTree | SyncTree, job: Job, paths: TransferPaths): Promise<string> {
  const { size, sha256 } = order.manifest
  if (readIfThere(paths.manifest) === null) {
    const spool = openFolder(paths.folder, { makes: false })
    const part = new PartFile(spool, 'manifest.part', job.content.offset)
    while (job.content.offset < size) await job.content.next((piece) => part.write(piece))
    const wish: Wish = { size, sha256, mode: 0o600, owner: { uid: null, gid: null } }
    part.place('manifest', 'the list of files', wish, true)
    part.close()
    spool.close()
  }
  return readFileSync(paths.manifest, 'utf8')
}

/** @throws RollcallError `file.path_refused` for what is no list of files, names one twice, or leads out of the tree. */
export const parseManifest = (text: string): TreeFile[] => parseLines(text, treeFile)

/** As `parseManifest`, with links and folders. */
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

/** Which files are not there as they should be, put on record for the server and for a worker after this one. */
function compare(entries: readonly TreeEntry[], tree: TreeWriter, paths: TransferPaths): [number, number][] {
  const ranges = toRanges(missingOf(entries, tree))
  replaceFile(paths.wanted, JSON.stringify(ranges))
  return ranges
}

const missingOf = (entries: readonly TreeEntry[], tree: TreeWriter): number[] =>
  entries.flatMap((entry, index) => (isTreeFile(entry) && !tree.has(entry) ? [index] : []))

/** One call for the whole file system, instead of two for each of thousands of files. */
function sync(root: Folder): void {
  execFileSync('sync', ['-f', '--', `/proc/${process.pid}/fd/${root.fd}`], {
    env: workerEnvironment(),
    timeout: SYNC_MS,
    stdio: 'ignore' as const,
  })
}
