import { createHash } from 'node:crypto'
import { fstatSync, lstatSync, readlinkSync, readSync } from 'node:fs'
import { basename } from 'node:path'
import { RollcallError, sanitizeText } from '@rollcall/contracts'
import {
  MAX_CHUNK_BYTES,
  MAX_MANIFEST_BYTES,
  type TransferOrder,
  type TransferResult,
  type TreeEntry,
  type TreeListEnd,
  treeLink,
  treePath,
} from '@rollcall/contracts/agent'
import { closing, errorCode, ifThere } from '../platform/files.ts'
import { OutgoingContentWriter, type OutgoingPaths } from './outgoing-content.ts'
import { openRegular } from './placed-file.ts'
import { type Folder, FolderCursor, openFolder } from './safe-path.ts'

const READ_BYTES = 1024 * 1024
/** Each folder of a path is held open. */
const MAX_DEPTH = 200
const MAX_REPORTED = 100
const LIST_MODE = 0o600

type Order<K extends TransferOrder['kind']> = Extract<TransferOrder, { kind: K }>

/** Writes the list of a tree's entries into the spool. Entries that vanish while it is read are left out. */
export async function listTree(
  { path, whole }: Order<'list_tree'>,
  paths: OutgoingPaths,
  leftFree: number,
): Promise<TransferResult> {
  using root = openFolder(path, { makes: false })
  using writer = OutgoingContentWriter.open(paths, MAX_CHUNK_BYTES, leftFree)
  const lister = new TreeLister(writer, path, whole === true)
  await lister.list(root, '', 0)
  return await lister.finish()
}

/** Copies files of a tree into the spool. Throws `file.changed` for a file that is shorter than listed, or gone. */
export async function getFiles(
  { path, files }: Order<'get_files'>,
  paths: OutgoingPaths,
  leftFree: number,
): Promise<TransferResult> {
  using root = openFolder(path, { makes: false })
  using cursor = new FolderCursor(root)
  const bytes = files.reduce((sum, { size }) => sum + size, 0)
  using writer = OutgoingContentWriter.open(paths, bytes, leftFree)
  for (const file of files) {
    const whole = `${path}/${file.path}`
    const source = openInTree(cursor, file.path, whole)
    using _source = closing(source)
    await writer.addFile(source, file.size, whole)
  }
  return await writer.finish(LIST_MODE)
}

function openInTree(cursor: FolderCursor, path: string, whole: string): number {
  const folder = cursor.find(path)
  const fd = folder && ifThere(() => openRegular(folder, basename(path), sanitizeText(whole, 300)))
  if (fd !== null) return fd
  throw new RollcallError(
    'file.changed',
    `${sanitizeText(whole, 300)} was removed while the folder was copied. Copy it again.`,
  )
}

/** Lists a tree, file by file with its hash; entries that cannot be copied are counted. */
class TreeLister {
  readonly #end: TreeListEnd = { left_out: [], left_out_count: 0 }
  readonly #buffer = Buffer.allocUnsafe(READ_BYTES)
  #bytes = 0

  constructor(
    private readonly writer: OutgoingContentWriter,
    private readonly path: string,
    private readonly isWhole: boolean,
  ) {}

  async list(folder: Folder, prefix: string, depth: number): Promise<void> {
    for (const { name, isUtf8 } of folder.list()) {
      const path = prefix + name
      const isName = isUtf8 && treePath.safeParse(path).success
      const stat = isName ? lstatSync(folder.at(name), { throwIfNoEntry: false }) : undefined
      if (isName && stat === undefined) continue // removed meanwhile
      if (stat?.isFile()) await this.#addFile(folder, name, path)
      else if (stat?.isDirectory() && depth < MAX_DEPTH) await this.#addFolder(folder, name, path, depth)
      else if (this.isWhole && stat?.isSymbolicLink()) await this.#addLink(folder, name, path)
      else this.#omit(path)
    }
  }

  async finish(): Promise<TransferResult> {
    await this.#writeLine(this.#end)
    return this.writer.finish(LIST_MODE)
  }

  async #addFolder(folder: Folder, name: string, path: string, depth: number): Promise<void> {
    using below = this.#open(path, () => openFolder(name, { makes: false }, folder))
    if (below === null) return
    const { mode, mtimeMs } = fstatSync(below.fd)
    if (this.isWhole)
      await this.#writeLine({ path, folder: true, mode: mode & 0o7777, mtime_ms: Math.trunc(mtimeMs) })
    await this.list(below, `${path}/`, depth + 1)
  }

  async #addFile(folder: Folder, name: string, path: string): Promise<void> {
    const fd = this.#open(path, () => openRegular(folder, name, path))
    if (fd === null) return
    using _fd = closing(fd)
    const hash = createHash('sha256')
    let size = 0
    for (let read = -1; read !== 0; size += read) {
      read = readSync(fd, this.#buffer, 0, READ_BYTES, size)
      hash.update(this.#buffer.subarray(0, read))
      await this.writer.reportProgress(read)
    }
    const { mode, mtimeMs } = fstatSync(fd)
    const time = this.isWhole ? { mtime_ms: Math.trunc(mtimeMs) } : {}
    await this.#writeLine({ path, size, sha256: hash.digest('hex'), mode: mode & 0o7777, ...time })
  }

  async #addLink(folder: Folder, name: string, path: string): Promise<void> {
    const raw = this.#open(path, () => readlinkSync(folder.at(name), { encoding: 'buffer' }))
    if (raw === null) return
    const entry = treeLink.safeParse({ path, link: raw.toString('utf8') })
    if (entry.success && Buffer.from(entry.data.link).equals(raw)) await this.#writeLine(entry.data)
    else this.#omit(path)
  }

  /** Returns null for an entry that was removed or replaced since it was read, and for kernel files. */
  #open<T>(path: string, open: () => T): T | null {
    try {
      return open()
    } catch (error) {
      const isOmitted = error instanceof RollcallError && OMITTED.has(error.code)
      if (errorCode(error) !== 'ENOENT' && !isOmitted) throw error
      if (isOmitted) this.#omit(path)
      return null
    }
  }

  #omit(path: string): void {
    this.#end.left_out_count++
    if (this.#end.left_out.length < MAX_REPORTED) this.#end.left_out.push(sanitizeText(path, 1000))
  }

  async #writeLine(value: TreeEntry | TreeListEnd): Promise<void> {
    const line = Buffer.from(`${JSON.stringify(value)}\n`)
    this.#bytes += line.length
    if (this.#bytes > MAX_MANIFEST_BYTES)
      throw new RollcallError(
        'file.too_many',
        `${sanitizeText(this.path, 300)} holds more files than fit into one list. Copy its folders one by one.`,
      )
    await this.writer.add(line)
  }
}

const OMITTED = new Set<string>(['file.path_refused', 'file.not_regular', 'file.not_found'])
