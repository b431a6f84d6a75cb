import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { RollcallError } from '@rollcall/contracts'
import { type TransferOrder, type TransferResult, type TreeFile, treeFile } from '@rollcall/contracts/agent'
import { readIfThere, replaceFile } from '../platform/files.ts'
import { workerEnvironment } from '../runner/child-environment.ts'
import { resolveOwner } from './file-owner.ts'
import { PartFile, type Wish } from './placed-file.ts'
import { publish, refuseUnpublishable } from './publish.ts'
import { type Job, needRoom } from './put-file.ts'
import { type Folder, openFolder } from './safe-path.ts'
import type { TransferPaths } from './transfer-paths.ts'
import { readWanted } from './transfer-records.ts'
import { TreeWriter } from './tree-writer.ts'
import { rangesOf, wantedIndexes } from './wanted.ts'

type PutTree = Extract<TransferOrder, { kind: 'put_tree' }>

const SYNC_MS = 10 * 60_000

export async function putTree(order: PutTree, job: Job, paths: TransferPaths): Promise<TransferResult> {
  if (order.publish_as !== null) refuseUnpublishable(order.path)
  const owner = order.owner === null ? { uid: null, gid: null } : resolveOwner(order.owner)
  const files = await readManifest(order, job, paths)
  // Its parents only where that was asked for; the tree's own folder always.
  if (!order.make_parents) openFolder(dirname(order.path), { makes: false }).close()
  const root = openFolder(order.path, { makes: true })
  const tree = new TreeWriter(root, owner, job)
  const ranges = readWanted(paths) ?? compare(files, tree, paths)
  const wanted = wantedIndexes(ranges).map((index) => files[index] as TreeFile)
  if (job.content.offset === order.manifest.size)
    needRoom(
      root,
      wanted.reduce((sum, { size }) => sum + size, 0),
      job.leftFree,
    )
  await tree.write(wanted, order.manifest.size)
  if (wanted.length > 0) sync(root)
  if (order.publish_as !== null) publish(order.path, order.publish_as)
  return { error: null, files_written: wanted.length, files_unchanged: files.length - wanted.length }
}

/** The list comes first, as content like any other, and is kept in the spool. */
async function readManifest(order: PutTree, job: Job, paths: TransferPaths): Promise<TreeFile[]> {
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
  return parseManifest(readFileSync(paths.manifest, 'utf8'))
}

/** @throws RollcallError `file.path_refused` for what is no list of files, names one twice, or leads out of the tree. */
export function parseManifest(text: string): TreeFile[] {
  const seen = new Set<string>()
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line, index) => {
      const parsed = treeFile.safeParse(parseJson(line))
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
function compare(files: readonly TreeFile[], tree: TreeWriter, paths: TransferPaths): [number, number][] {
  const indexes = files.flatMap((file, index) => (tree.has(file) ? [] : [index]))
  const ranges = rangesOf(indexes)
  replaceFile(paths.wanted, JSON.stringify(ranges))
  return ranges
}

/** One call for the whole file system, instead of two for each of thousands of files. */
function sync(root: Folder): void {
  execFileSync('sync', ['-f', '--', `/proc/${process.pid}/fd/${root.fd}`], {
    ...{ env: workerEnvironment(), timeout: SYNC_MS, stdio: 'ignore' as const },
  })
}
