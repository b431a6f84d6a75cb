import {
  fchmodSync,
  fchownSync,
  fstatSync,
  futimesSync,
  lchownSync,
  lstatSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs'
import { basename, dirname } from 'node:path'
import { RollcallError, sanitizeText } from '@rollcall/contracts'
import {
  MAX_LISTED_CHANGES,
  type TransferResult,
  type TreeEntry,
  type TreeFolder,
  type TreeLink,
} from '@rollcall/contracts/agent'
import type { Owner } from './file-owner.ts'
import { notRegular, removeName } from './placed-file.ts'
import { partNameOf } from './put-file.ts'
import { type Folder, openFolder, refused } from './safe-path.ts'

type Changes = NonNullable<TransferResult['changes']>

/** Each folder on the way down is held open. */
const MAX_DEPTH = 200

interface Options {
  id: string
  owner: Owner
  isDryRun: boolean
}

/** What is brought in step of a tree besides the content of its files: links, folders, times, and what does not belong there. */
export class TreeStep {
  readonly changes: Changes = { links: 0, folders: 0, removed: 0, listed: [] }
  readonly #root: Folder
  readonly #options: Options

  constructor(root: Folder, options: Options) {
    this.#root = root
    this.#options = options
  }

  /** Lists a file that is written, or would be. */
  writes(path: string): void {
    this.#list('write', path)
  }

  /** Makes folders that are missing; their rights are set in the end, since a folder without any could not be filled. */
  makeFolders(folders: readonly TreeFolder[]): void {
    for (const { path } of folders) {
      const isThere = this.#within(dirname(path), (parent) => {
        const stat = lstatSync(parent.at(basename(path)), { throwIfNoEntry: false })
        if (stat !== undefined && !stat.isDirectory())
          throw refused(`${this.#root.path}/${path}`, 'something that is no folder bears the name of one')
        return stat !== undefined
      })
      if (isThere) continue
      this.changes.folders++
      this.#list('folder', path)
      if (!this.#options.isDryRun) this.#open(path, true).close()
    }
  }

  setLinks(links: readonly TreeLink[]): void {
    for (const { path, link } of links) {
      const isSet = this.#within(
        dirname(path),
        (folder) => linkOf(folder, basename(path), `${this.#root.path}/${path}`) === link,
      )
      if (isSet) continue
      this.changes.links++
      this.#list('link', path)
      if (!this.#options.isDryRun) this.#setLink(path, link)
    }
  }

  /** Sets the rights and times of folders, the deepest first: what is done in a folder changes its time. */
  finishFolders(folders: readonly TreeFolder[]): void {
    if (this.#options.isDryRun) return
    for (const { path, mode, mtime_ms } of folders.toSorted((a, b) => depthOf(b.path) - depthOf(a.path))) {
      const folder = this.#open(path, false)
      try {
        const { uid, gid } = this.#options.owner
        const stat = fstatSync(folder.fd)
        if (uid !== null || gid !== null) fchownSync(folder.fd, uid ?? stat.uid, gid ?? stat.gid)
        if ((stat.mode & 0o7777) !== mode) fchmodSync(folder.fd, mode)
        if (mtime_ms !== undefined) futimesSync(folder.fd, stat.atimeMs / 1000, mtime_ms / 1000)
      } finally {
        folder.close()
      }
    }
  }

  /** Removes what is in the tree and not in its list. Other file systems that are mounted there stay, with what is above them. */
  removeOthers(entries: readonly TreeEntry[]): void {
    const expected = new Set<string>()
    for (const { path } of entries)
      for (let at = path; at !== '.' && !expected.has(at); at = dirname(at)) expected.add(at)
    const device = fstatSync(this.#root.fd).dev
    const sweep = (folder: Folder, prefix: string, depth: number) => {
      for (const raw of readdirSync(folder.at('.'), { encoding: 'buffer' })) {
        const name = raw.toString('utf8')
        const path = prefix + name
        // A name that is no UTF-8 could be in no list, and is not touched.
        if (!Buffer.from(name).equals(raw) || name === partNameOf(this.#options.id)) continue
        if (!expected.has(path)) this.#remove(folder, name, path, device, depth)
        else if (lstatSync(folder.at(name)).isDirectory() && depth < MAX_DEPTH)
          this.#inside(folder, name, (below) => sweep(below, `${path}/`, depth + 1))
      }
    }
    sweep(this.#root, '', 0)
  }

  #remove(folder: Folder, name: string, path: string, device: number, depth: number): void {
    const stat = lstatSync(folder.at(name), { throwIfNoEntry: false })
    if (stat === undefined) return
    if (stat.dev !== device || depth > MAX_DEPTH)
      throw new RollcallError(
        'file.denied',
        `${sanitizeText(`${this.#root.path}/${path}`, 300)} is a mount point and is not removed. Unmount it, or leave --delete out.`,
      )
    if (stat.isDirectory())
      this.#inside(folder, name, (below) => {
        for (const raw of readdirSync(below.at('.'), { encoding: 'buffer' })) {
          const each = raw.toString('utf8')
          if (Buffer.from(each).equals(raw)) this.#remove(below, each, `${path}/${each}`, device, depth + 1)
        }
      })
    this.changes.removed++
    this.#list('remove', path)
    if (this.#options.isDryRun) return
    if (stat.isDirectory()) rmdirSync(folder.at(name))
    else unlinkSync(folder.at(name))
  }

  #setLink(path: string, target: string): void {
    const folder = this.#open(dirname(path), true)
    try {
      const fresh = partNameOf(this.#options.id)
      removeName(folder, fresh)
      symlinkSync(target, folder.at(fresh))
      const { uid, gid } = this.#options.owner
      if (uid !== null || gid !== null) lchownSync(folder.at(fresh), uid ?? 0, gid ?? 0)
      renameSync(folder.at(fresh), folder.at(basename(path)))
    } finally {
      folder.close()
    }
  }

  #open(path: string, makes: boolean): Folder {
    return openFolder(path === '.' ? '' : path, { makes }, this.#root)
  }

  /** What `look` says of a folder; false where that is not there. */
  #within(path: string, look: (folder: Folder) => boolean): boolean {
    let folder: Folder
    try {
      folder = this.#open(path, false)
    } catch (error) {
      if (error instanceof RollcallError && error.code === 'file.not_found') return false
      throw error
    }
    try {
      return look(folder)
    } finally {
      folder.close()
    }
  }

  #inside(folder: Folder, name: string, work: (below: Folder) => void): void {
    const below = openFolder(name, { makes: false }, folder)
    try {
      work(below)
    } finally {
      below.close()
    }
  }

  #list(change: Changes['listed'][number]['change'], path: string): void {
    if (this.changes.listed.length < MAX_LISTED_CHANGES)
      this.changes.listed.push({ change, path: sanitizeText(path, 4000) })
  }
}

/** Where a link leads; null for a file or nothing, of which a link may take the place. Throws `file.not_regular` for a folder. */
function linkOf(folder: Folder, name: string, path: string): string | null {
  const stat = lstatSync(folder.at(name), { throwIfNoEntry: false })
  if (stat === undefined || stat.isFile()) return null
  if (!stat.isSymbolicLink()) throw notRegular(path, stat)
  return readlinkSync(folder.at(name))
}

const depthOf = (path: string): number => path.split('/').length
