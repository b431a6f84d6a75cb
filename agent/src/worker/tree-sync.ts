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
import { sanitizeText } from '@rollcall/contracts'
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
import { type Folder, FolderCursor, findFolder, openFolder, refused } from './safe-path.ts'
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

  constructor(
    private readonly root: Folder,
    private readonly options: Options,
  ) {}

  /** Lists a file that is written, or would be in a dry run. */
  listWrite(path: string): void {
    this.#list('write', path)
  }

  /** Creates missing folders. Their modes are set at the end, since a folder without write permission could not be filled. */
  createFolders(folders: readonly TreeFolder[]): void {
    for (const { path } of folders) {
      const isThere = this.#within(
        path,
        (parent) => lstatSync(parent.at(basename(path)), { throwIfNoEntry: false }) !== undefined,
      )
      if (isThere) continue
      this.changes.folders++
      this.#list('folder', path)
      if (!this.options.isDryRun) openFolder(path, { makes: true }, this.root)[Symbol.dispose]()
    }
  }

  setLinks(links: readonly TreeLink[]): void {
    for (const { path, link } of links) {
      const isSet = this.#within(
        path,
        (folder) => readLink(folder, basename(path), `${this.root.path}/${path}`) === link,
      )
      if (isSet) continue
      this.changes.links++
      this.#list('link', path)
      if (!this.options.isDryRun) this.#setLink(path, link)
    }
  }

  /** Sets modes and times of folders, the deepest first: a change in a folder changes its time. */
  finishFolders(folders: readonly TreeFolder[]): void {
    if (this.options.isDryRun) return
    for (const { path, mode, mtime_ms } of folders.toSorted((a, b) => toDepth(b.path) - toDepth(a.path))) {
      using folder = openFolder(path, { makes: false }, this.root)
      const { uid, gid } = this.options.owner
      const stat = fstatSync(folder.fd)
      if (uid !== null || gid !== null) fchownSync(folder.fd, uid ?? stat.uid, gid ?? stat.gid)
      if ((stat.mode & 0o7777) !== mode) fchmodSync(folder.fd, mode)
      if (mtime_ms !== undefined) futimesSync(folder.fd, stat.atimeMs / 1000, toUtimesSeconds(mtime_ms))
    }
  }

  /**
   * Throws for an entry that cannot be placed, before anything is changed: a folder in place of a file, a file or link in place of
   * a folder, a link in place of a mount point.
   */
  check(entries: readonly TreeEntry[]): void {
    using cursor = new FolderCursor(this.root)
    for (const entry of entries) {
      const folder = cursor.find(entry.path)
      if (folder !== null) checkPlace(folder, entry, `${this.root.path}/${entry.path}`)
    }
  }

  /** Removes what was planned; in a dry run it is only listed. */
  removeExtra(plan: readonly Removal[]): void {
    this.changes.removed = plan.length
    for (const { path } of plan) this.#list('remove', path)
    if (!this.options.isDryRun) remove(this.root, plan)
  }

  #setLink(path: string, target: string): void {
    using folder = openFolder(toParent(path), { makes: true }, this.root)
    const fresh = toPartName(this.options.id)
    const place = folder.at(basename(path))
    folder.unlink(fresh)
    this.options.notePart(`${folder.path}/${fresh}`)
    symlinkSync(target, folder.at(fresh))
    const made = lstatSync(folder.at(fresh))
    const { uid, gid } = this.options.owner
    const isOwned = uid !== null || gid !== null
    if (isOwned && made.isSymbolicLink()) lchownSync(folder.at(fresh), uid ?? 0, gid ?? 0)
    renameSync(folder.at(fresh), place)
    if (!made.isSymbolicLink() || lstatSync(place).ino !== made.ino)
      throw refused(`${this.root.path}/${path}`, 'it was replaced while it was being written')
  }

  /** Returns what `test` says of an entry's folder, or false if it is missing. */
  #within(path: string, test: (folder: Folder) => boolean): boolean {
    using folder = findFolder(toParent(path), this.root)
    return folder !== null && test(folder)
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

/** Returns the folder of an entry, empty for the tree itself. */
const toParent = (path: string): string => (path.includes('/') ? dirname(path) : '')
const toDepth = (path: string): number => path.split('/').length
