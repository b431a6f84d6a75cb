import { createHash } from 'node:crypto'
import { closeSync, fstatSync, lstatSync, readdirSync, readlinkSync, readSync } from 'node:fs'
import { basename, dirname } from 'node:path'
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
import { errorCode } from '../platform/files.ts'
import { Copy, type Spool } from './copy.ts'
import { openRegular } from './placed-file.ts'
import { type Folder, openFolder } from './safe-path.ts'

const READ_BYTES = 1024 * 1024
/** Each folder on the way down is held open. */
const MAX_DEPTH = 200
const MAX_REPORTED = 100
const LIST_MODE = 0o600

type Order<K extends TransferOrder['kind']> = Extract<TransferOrder, { kind: K }>

/** Writes down what a tree holds. What goes while it is being read is not in it, and what grows is in it as it was read. */
export async function listTree(
  { path, whole }: Order<'list_tree'>,
  spool: Spool,
  leftFree: number,
): Promise<TransferResult> {
  const root = openFolder(path, { makes: false })
  try {
    using copy = Copy.begin(spool, MAX_CHUNK_BYTES, leftFree)
    const list = new TreeList(copy, path, whole === true)
    await list.enter(root, '', 0)
    return await list.finish()
  } finally {
    root.close()
  }
}

/** Copies files of a tree, one after the other. Throws `file.changed` for one that is not as it was listed. */
export async function getFiles(
  { path, files }: Order<'get_files'>,
  spool: Spool,
  leftFree: number,
): Promise<TransferResult> {
  const root = openFolder(path, { makes: false })
  try {
    const bytes = files.reduce((sum, { size }) => sum + size, 0)
    using copy = Copy.begin(spool, bytes, leftFree)
    for (const file of files) {
      const whole = `${path}/${file.path}`
      const source = openInTree(root, file.path, whole)
      try {
        await copy.addFile(source, file.size, whole)
      } finally {
        closeSync(source)
      }
    }
    return await copy.finish(LIST_MODE)
  } finally {
    root.close()
  }
}

function openInTree(root: Folder, path: string, whole: string): number {
  const above = dirname(path)
  const folder = above === '.' ? root : openFolder(above, { makes: false }, root)
  try {
    return openRegular(folder, basename(path), sanitizeText(whole, 300))
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error
    throw new RollcallError(
      'file.changed',
      `${sanitizeText(whole, 300)} went while the folder was copied. Copy it again.`,
    )
  } finally {
    if (folder !== root) folder.close()
  }
}

class TreeList {
  readonly #copy: Copy
  readonly #path: string
  readonly #isWhole: boolean
  readonly #end: TreeListEnd = { left_out: [], left_out_count: 0 }
  readonly #buffer = Buffer.allocUnsafe(READ_BYTES)
  #bytes = 0

  constructor(copy: Copy, path: string, isWhole: boolean) {
    this.#copy = copy
    this.#path = path
    this.#isWhole = isWhole
  }

  async enter(folder: Folder, prefix: string, depth: number): Promise<void> {
    for (const raw of readdirSync(folder.at('.'), { encoding: 'buffer' }).sort(Buffer.compare)) {
      const name = raw.toString('utf8')
      const path = prefix + name
      const isName = Buffer.from(name).equals(raw) && treePath.safeParse(path).success
      const stat = isName ? lstatSync(folder.at(name), { throwIfNoEntry: false }) : undefined
      if (isName && stat === undefined) continue // it went meanwhile
      if (stat?.isFile()) await this.#tell(folder, name, path)
      else if (stat?.isDirectory() && depth < MAX_DEPTH) await this.#enterBelow(folder, name, path, depth)
      else if (this.#isWhole && stat?.isSymbolicLink()) await this.#tellLink(folder, name, path)
      else this.#leaveOut(path)
    }
  }

  async finish(): Promise<TransferResult> {
    await this.#line(this.#end)
    return this.#copy.finish(LIST_MODE)
  }

  async #enterBelow(folder: Folder, name: string, path: string, depth: number): Promise<void> {
    const below = this.#open(path, () => openFolder(name, { makes: false }, folder))
    if (below === null) return
    try {
      const { mode, mtimeMs } = fstatSync(below.fd)
      if (this.#isWhole)
        await this.#line({ path, folder: true, mode: mode & 0o7777, mtime_ms: Math.trunc(mtimeMs) })
      await this.enter(below, `${path}/`, depth + 1)
    } finally {
      below.close()
    }
  }

  async #tell(folder: Folder, name: string, path: string): Promise<void> {
    const fd = this.#open(path, () => openRegular(folder, name, path))
    if (fd === null) return
    try {
      const hash = createHash('sha256')
      let size = 0
      for (let read = -1; read !== 0; size += read) {
        read = readSync(fd, this.#buffer, 0, READ_BYTES, size)
        hash.update(this.#buffer.subarray(0, read))
        await this.#copy.moved(read)
      }
      const { mode, mtimeMs } = fstatSync(fd)
      const time = this.#isWhole ? { mtime_ms: Math.trunc(mtimeMs) } : {}
      await this.#line({ path, size, sha256: hash.digest('hex'), mode: mode & 0o7777, ...time })
    } finally {
      closeSync(fd)
    }
  }

  async #tellLink(folder: Folder, name: string, path: string): Promise<void> {
    const raw = this.#open(path, () => readlinkSync(folder.at(name), { encoding: 'buffer' }))
    if (raw === null) return
    const entry = treeLink.safeParse({ path, link: raw.toString('utf8') })
    if (entry.success && Buffer.from(entry.data.link).equals(raw)) await this.#line(entry.data)
    else this.#leaveOut(path)
  }

  /** Null for what went, or was exchanged, since it was seen, and for what belongs to the kernel. */
  #open<T>(path: string, open: () => T): T | null {
    try {
      return open()
    } catch (error) {
      const isLeftOut = error instanceof RollcallError && LEFT_OUT.has(error.code)
      if (errorCode(error) !== 'ENOENT' && !isLeftOut) throw error
      if (isLeftOut) this.#leaveOut(path)
      return null
    }
  }

  #leaveOut(path: string): void {
    this.#end.left_out_count++
    if (this.#end.left_out.length < MAX_REPORTED) this.#end.left_out.push(sanitizeText(path, 1000))
  }

  async #line(value: TreeEntry | TreeListEnd): Promise<void> {
    const line = Buffer.from(`${JSON.stringify(value)}\n`)
    this.#bytes += line.length
    if (this.#bytes > MAX_MANIFEST_BYTES)
      throw new RollcallError(
        'file.too_many',
        `${sanitizeText(this.#path, 300)} holds more files than fit into one list. Copy the folders in it one by one.`,
      )
    await this.#copy.add(line)
  }
}

const LEFT_OUT = new Set<string>(['file.path_refused', 'file.not_regular', 'file.not_found'])
