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
import { refuseMountPoint } from './mount-points.ts'
import { notRegular } from './placed-file.ts'
import { type Folder, openFolder, refused } from './safe-path.ts'
import { toPartName } from './transfer-job.ts'
import { type Removal, remove } from './tree-removal.ts'

type Changes = NonNullable<TransferResult['changes']>

interface Options {
  id: string
  owner: Owner
  isDryRun: boolean
  /** Records where an unfinished link is about to be created. */
  notePart(path: string): void
}

/** Syncs everything of a tree but its files' content: links, folders, times, and what must be removed. Keeps a list of the changes. */
export class TreeSync {
  readonly changes: Changes = { links: 0, folders: 0, removed: 0, listed: [] }
  readonly #root: Folder
  readonly #options: Options

  constructor(root: Folder, options: Options) {
    this.#root = root
    this.#options = options
  }

  /** Lists a file that is written, or would be in a dry run. */
  listWrite(path: string): void {
    this.#list('write', path)
  }

  /** Creates missing folders. Their modes are set at the end, since a folder without write permission could not be filled. */
  createFolders(folders: readonly TreeFolder[]): void {
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
        (folder) => readLink(folder, basename(path), `${this.#root.path}/${path}`) === link,
      )
      if (isSet) continue
      this.changes.links++
      this.#list('link', path)
      if (!this.#options.isDryRun) this.#setLink(path, link)
    }
  }

  /** Sets modes and times of folders, the deepest first: a change in a folder changes its time. */
  finishFolders(folders: readonly TreeFolder[]): void {
    if (this.#options.isDryRun) return
    for (const { path, mode, mtime_ms } of folders.toSorted((a, b) => toDepth(b.path) - toDepth(a.path))) {
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
   * Throws for an entry that cannot be placed, before anything is changed: a folder in place of a file, a file or link in place of
   * a folder, a link in place of a mount point.
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

  /** Removes what was planned; in a dry run it is only listed. */
  removeExtra(plan: readonly Removal[]): void {
    this.changes.removed = plan.length
    for (const { path } of plan) this.#list('remove', path)
    if (!this.#options.isDryRun) remove(this.#root, plan)
  }

  #setLink(path: string, target: string): void {
    const folder = this.#open(dirname(path), true)
    try {
      const fresh = toPartName(this.#options.id)
      const place = folder.at(basename(path))
      folder.unlink(fresh)
      this.#options.notePart(`${folder.path}/${fresh}`)
      symlinkSync(target, folder.at(fresh))
      const made = lstatSync(folder.at(fresh))
      const { uid, gid } = this.#options.owner
      const isOwned = uid !== null || gid !== null
      if (isOwned && made.isSymbolicLink()) lchownSync(folder.at(fresh), uid ?? 0, gid ?? 0)
      renameSync(folder.at(fresh), place)
      if (!made.isSymbolicLink() || lstatSync(place).ino !== made.ino)
        throw refused(`${this.#root.path}/${path}`, 'it was replaced while it was being written')
    } finally {
      folder.close()
    }
  }

  #open(path: string, makes: boolean): Folder {
    return openFolder(path === '.' ? '' : path, { makes }, this.#root)
  }

  /** Returns what `test` says of a folder, or false if it is missing. */
  #within(path: string, test: (folder: Folder) => boolean): boolean {
    const folder = this.#openIfThere(path)
    if (folder === null) return false
    try {
      return test(folder)
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
    if (!stat.isDirectory()) throw refused(path, 'it must be a folder and is something else')
    return
  }
  if (!stat.isFile() && !stat.isSymbolicLink()) throw notRegular(path, stat)
  if ('link' in entry && stat.isFile()) refuseMountPoint(folder, name, path)
}

/** Returns a link's target, or null for a file or nothing, which a link may replace. Throws `file.not_regular` for a folder. */
function readLink(folder: Folder, name: string, path: string): string | null {
  const stat = lstatSync(folder.at(name), { throwIfNoEntry: false })
  if (stat === undefined || stat.isFile()) return null
  if (!stat.isSymbolicLink()) throw notRegular(path, stat)
  return readlinkSync(folder.at(name))
}

const toDepth = (path: string): number => path.split('/').length
