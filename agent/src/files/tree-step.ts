import {
  fchmodSync,
  fchownSync,
  fstatSync,
  futimesSync,
  lchownSync,
  lstatSync,
  readlinkSync,
  renameSync,
  symlinkSync,
} from 'node:fs'
import { basename, dirname } from 'node:path'
import { RollcallError, sanitizeText } from '@rollcall/contracts'
import {
  MAX_LISTED_CHANGES,
  type TransferResult,
  type TreeEntry,
  type TreeFolder,
  type TreeLink,
  toUtimesSeconds,
} from '@rollcall/contracts/agent'
import type { Owner } from './file-owner.ts'
import { refuseMountPoint } from './mounts.ts'
import { notRegular, removeName } from './placed-file.ts'
import { partNameOf } from './put-file.ts'
import { type Folder, openFolder, refused } from './safe-path.ts'
import { type Removal, remove } from './tree-removal.ts'

type Changes = NonNullable<TransferResult['changes']>

interface Options {
  id: string
  owner: Owner
  isDryRun: boolean
  /** Puts on record where something unfinished is about to be. */
  notePart(path: string): void
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
      const isThere = this.#within(
        dirname(path),
        (parent) => lstatSync(parent.at(basename(path)), { throwIfNoEntry: false }) !== undefined,
      )
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
        if (mtime_ms !== undefined) futimesSync(folder.fd, stat.atimeMs / 1000, toUtimesSeconds(mtime_ms))
      } finally {
        folder.close()
      }
    }
  }

  /**
   * Throws for what cannot take its place, before anything is changed: a folder where no folder is, a file or link where a folder is, and a link
   * where something is mounted.
   */
  check(entries: readonly TreeEntry[]): void {
    let latest = null as { path: string; folder: Folder | null } | null
    try {
      for (const entry of entries) {
        const parent = dirname(entry.path)
        if (latest?.path !== parent) {
          latest?.folder?.close()
          latest = null
          latest = { path: parent, folder: this.#openIfThere(parent) }
        }
        if (latest.folder !== null) checkPlace(latest.folder, entry, `${this.#root.path}/${entry.path}`)
      }
    } finally {
      latest?.folder?.close()
    }
  }

  /** Removes what was planned, or lists it alone. */
  removeOthers(plan: readonly Removal[]): void {
    this.changes.removed = plan.length
    for (const { path } of plan) this.#list('remove', path)
    if (!this.#options.isDryRun) remove(this.#root, plan)
  }

  #setLink(path: string, target: string): void {
    const folder = this.#open(dirname(path), true)
    try {
      const fresh = partNameOf(this.#options.id)
      const place = folder.at(basename(path))
      removeName(folder, fresh)
      this.#options.notePart(`${folder.path}/${fresh}`)
      symlinkSync(target, folder.at(fresh))
      const made = lstatSync(folder.at(fresh))
      const { uid, gid } = this.#options.owner
      const isOwned = uid !== null || gid !== null
      if (isOwned && made.isSymbolicLink()) lchownSync(folder.at(fresh), uid ?? 0, gid ?? 0)
      renameSync(folder.at(fresh), place)
      if (!made.isSymbolicLink() || lstatSync(place).ino !== made.ino)
        throw refused(`${this.#root.path}/${path}`, 'somebody exchanged it while it was put in place')
    } finally {
      folder.close()
    }
  }

  #open(path: string, makes: boolean): Folder {
    return openFolder(path === '.' ? '' : path, { makes }, this.#root)
  }

  /** What `look` says of a folder; false where that is not there. */
  #within(path: string, look: (folder: Folder) => boolean): boolean {
    const folder = this.#openIfThere(path)
    if (folder === null) return false
    try {
      return look(folder)
    } finally {
      folder.close()
    }
  }

  #openIfThere(path: string): Folder | null {
    try {
      return this.#open(path, false)
    } catch (error) {
      if (error instanceof RollcallError && error.code === 'file.not_found') return null
      throw error
    }
  }

  #list(change: Changes['listed'][number]['change'], path: string): void {
    if (this.changes.listed.length < MAX_LISTED_CHANGES)
      this.changes.listed.push({ change, path: sanitizeText(path, 4000) })
  }
}

function checkPlace(folder: Folder, entry: TreeEntry, path: string): void {
  const name = basename(entry.path)
  const stat = lstatSync(folder.at(name), { throwIfNoEntry: false })
  if (stat === undefined) return
  if ('folder' in entry) {
    if (!stat.isDirectory()) throw refused(path, 'something that is no folder bears the name of one')
    return
  }
  if (!stat.isFile() && !stat.isSymbolicLink()) throw notRegular(path, stat)
  if ('link' in entry && stat.isFile()) refuseMountPoint(folder, name, path)
}

/** Where a link leads; null for a file or nothing, of which a link may take the place. Throws `file.not_regular` for a folder. */
function linkOf(folder: Folder, name: string, path: string): string | null {
  const stat = lstatSync(folder.at(name), { throwIfNoEntry: false })
  if (stat === undefined || stat.isFile()) return null
  if (!stat.isSymbolicLink()) throw notRegular(path, stat)
  return readlinkSync(folder.at(name))
}

const depthOf = (path: string): number => path.split('/').length
