import { createHash, randomUUID } from 'node:crypto'
import { lstat, mkdir, open, readlink, rename, rm, symlink, utimes } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { sanitizeText } from '@rollcall/contracts'
import type { TreeEntry, TreeFile, TreeLink } from '@rollcall/contracts/agent'
import { isTreeFile, toUtimesSeconds, treeEntry, treeListEnd } from '@rollcall/contracts/agent/file-entries'
import { MAX_CONCURRENT_FILES, MAX_MANIFEST_BYTES } from '@rollcall/contracts/agent/files'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { readLocalFile } from './local-tree.ts'

/** The host keeps a copy of what is fetched at a time. A larger file is fetched alone. */
const MAX_BATCH_BYTES = 256 * 1024 * 1024
/** Limits the size of one request. */
const MAX_BATCH_PATH_BYTES = 128 * 1024
/** Only the owner's permissions are copied. */
const OWNER_PERMISSIONS = 0o700
const MAX_REPORTED = 10

/** The outcome for one host. */
export interface Copied {
  host: string
  state: 'success' | 'failed'
  file: string | null
  bytes: number | null
  /** For a folder: files that were fetched, and files that were here already. */
  fetched?: number
  unchanged?: number
  reason: string | null
}

/**
 * Copies a folder from a host, with its links, folders and times. Only files whose content differs are fetched; other local files stay.
 * Links are made last, and local links are never followed.
 */
export async function copyTree(context: Context, host: string, path: string, place: string): Promise<Copied> {
  let bytes = 0
  let fetched = 0
  try {
    const entries = await readList(context, host, path)
    const files = entries.filter(isTreeFile)
    const wanted: TreeFile[] = []
    for (const file of files) {
      const local = join(place, file.path)
      if (!(await isHere(local, file))) wanted.push(file)
      else if (file.mtime_ms !== undefined) await setTime(local, file.mtime_ms)
    }
    await mkdir(place, { recursive: true })
    for (const some of toBatches(wanted)) {
      const body = { path, files: some.map((file) => ({ path: file.path, size: file.size })) }
      const answer = await context.api.open('readHostFiles', { params: { host }, body })
      const content = new Content(answer.body)
      for (const file of some) {
        await fetchOne(content, file, place)
        bytes += file.size
        fetched++
      }
    }
    await placeLinksAndFolders(entries, place)
    const counts = { fetched, unchanged: files.length - fetched }
    return { host, state: 'success', file: place, bytes, ...counts, reason: null }
  } catch (error) {
    return { host, state: 'failed', file: null, bytes, fetched, reason: (error as Error).message }
  }
}

/** Reads the host's list of the folder, each line checked against the contract. */
async function readList(context: Context, host: string, path: string): Promise<TreeEntry[]> {
  const query = { path, whole: 'true' as const }
  const { body, size } = await context.api.open('listHostTree', { params: { host }, query })
  if (size > MAX_MANIFEST_BYTES) throw new CliError('The host sent a list of the folder that is too long.')
  const content = new Content(body)
  const parts: Buffer[] = []
  await content.take(size, async (part) => void parts.push(part))
  const lines = Buffer.concat(parts).toString('utf8').split('\n').filter(Boolean)
  const end = treeListEnd.safeParse(parsed(lines.pop() ?? ''))
  const entries = lines.map((line) => treeEntry.safeParse(parsed(line)))
  if (!end.success || entries.some(({ success }) => !success))
    throw new CliError('The host did not send a valid list of the folder.')
  const { left_out, left_out_count } = end.data
  for (const name of left_out.slice(0, MAX_REPORTED))
    context.notice(
      `${host}: ${sanitizeText(name, 300)} is skipped: it is a device or the like, or its name is not UTF-8`,
    )
  if (left_out_count > Math.min(left_out.length, MAX_REPORTED))
    context.notice(`${host}: ${left_out_count} are skipped in total`)
  return entries.flatMap(({ data }) => data ?? [])
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined // which no schema takes
  }
}

async function isHere(local: string, { size, sha256 }: TreeFile): Promise<boolean> {
  const stat = await statIfThere(local)
  return stat?.isFile() === true && stat.size === size && (await readLocalFile(local)).sha256 === sha256
}

function* toBatches(files: readonly TreeFile[]): Generator<TreeFile[]> {
  let batch: TreeFile[] = []
  let [bytes, pathBytes] = [0, 0]
  for (const file of files) {
    bytes += file.size
    pathBytes += Buffer.byteLength(file.path)
    const isFull =
      batch.length === MAX_CONCURRENT_FILES || bytes > MAX_BATCH_BYTES || pathBytes > MAX_BATCH_PATH_BYTES
    if (isFull && batch.length > 0) {
      yield batch
      batch = []
      bytes = file.size
      pathBytes = Buffer.byteLength(file.path)
    }
    batch.push(file)
  }
  if (batch.length > 0) yield batch
}

async function fetchOne(
  content: Content,
  { path, size, sha256, mode, mtime_ms }: TreeFile,
  place: string,
): Promise<void> {
  const folder = await makeFolder(place, dirname(path))
  const part = join(folder, `.rollcall-${randomUUID()}.part`)
  try {
    const hash = createHash('sha256')
    await using file = await open(part, 'wx', mode & OWNER_PERMISSIONS)
    await content.take(size, async (bytes) => {
      hash.update(bytes)
      await file.writeFile(bytes)
    })
    if (hash.digest('hex') !== sha256)
      throw new CliError(`${sanitizeText(path, 300)} changed while the folder was copied. Copy it again.`)
    if (mtime_ms !== undefined) await setTime(part, mtime_ms)
    await rename(part, join(place, path))
  } catch (error) {
    await rm(part, { force: true })
    throw error
  }
}

/** Makes empty folders and links, and sets the times of folders, the deepest first: changes in a folder change its time. */
async function placeLinksAndFolders(entries: readonly TreeEntry[], place: string): Promise<void> {
  const folders = entries.filter((entry) => 'folder' in entry)
  for (const { path } of folders) await makeFolder(place, path)
  for (const entry of entries) if ('link' in entry) await placeLink(entry, place)
  const toDepth = (path: string) => path.split('/').length
  for (const { path, mtime_ms } of folders.toSorted((a, b) => toDepth(b.path) - toDepth(a.path)))
    if (mtime_ms !== undefined) await setTime(join(place, path), mtime_ms)
}

async function placeLink({ path, link }: TreeLink, place: string): Promise<void> {
  const folder = await makeFolder(place, dirname(path))
  const local = join(place, path)
  const stat = await statIfThere(local)
  if (stat?.isSymbolicLink() && (await readlink(local)) === link) return
  if (stat?.isDirectory())
    throw new CliError(`${local} is a folder here but a link on the host. Move it away.`)
  const part = join(folder, `.rollcall-${randomUUID()}.part`)
  await symlink(link, part)
  await rename(part, local)
}

/** Makes a folder below `place`. Throws for a link on the way, which could lead a path named by the host elsewhere. */
async function makeFolder(place: string, path: string): Promise<string> {
  let folder = place
  for (const name of path.split('/').filter((each) => each !== '.')) {
    folder = join(folder, name)
    const stat = await statIfThere(folder)
    if (stat === null) await mkdir(folder)
    else if (!stat.isDirectory())
      throw new CliError(`${folder} is not a folder here but is one on the host. Move it away.`)
  }
  return folder
}

const setTime = (path: string, ms: number) => utimes(path, toUtimesSeconds(ms), toUtimesSeconds(ms))

const statIfThere = (path: string) =>
  lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null
    throw error
  })

/** A byte stream that is read in pieces of given sizes. */
class Content {
  private readonly source: AsyncIterator<Uint8Array>
  private rest = Buffer.alloc(0)

  constructor(body: Readable) {
    this.source = body[Symbol.asyncIterator]()
  }

  /** Passes the next `size` bytes to `onPart`, piece by piece. */
  async take(size: number, onPart: (part: Buffer) => Promise<void>): Promise<void> {
    for (let left = size; left > 0; ) {
      if (this.rest.length === 0) {
        const next = await this.source.next()
        if (next.done)
          throw new CliError(
            'The connection was lost. Copy the folder again: files that are complete are kept.',
          )
        this.rest = Buffer.from(next.value)
      }
      const part = this.rest.subarray(0, left)
      this.rest = this.rest.subarray(part.length)
      left -= part.length
      await onPart(part)
    }
  }
}
