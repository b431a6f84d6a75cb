import { lstatSync, readlinkSync, rmdirSync, unlinkSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { RollcallError, sanitizeText } from '@rollcall/contracts'
import type { TreeEntry } from '@rollcall/contracts/agent'
import { ifThere } from '../platform/files.ts'
import { isMountPoint } from './mount-points.ts'
import { type Folder, FolderCursor, openFolder, refused } from './safe-path.ts'
import { toPartName } from './transfer-job.ts'

/** Each folder of a path is held open. */
const MAX_DEPTH = 200
/** A longer list of removals would not fit into memory, and is no mistake in a manifest. */
const MAX_REMOVED = 1_000_000

export interface Removal {
  path: string
  isFolder: boolean
}

/**
 * Lists what a tree has beyond its manifest, the content of a folder before the folder. Spares mounted file systems that the
 * manifest names, and names that are not UTF-8, with their folders. Throws `file.denied` for a mount point to remove, `file.too_many`.
 */
export function planRemoval(root: Folder, entries: readonly TreeEntry[], transferId: string): Removal[] {
  // Judged by the real path, not the requested one: root's links may have led there.
  refuseFirstLevel(root.path, readlinkSync(`/proc/self/fd/${root.fd}`))
  const expected = new Set<string>()
  for (const { path } of entries)
    for (let at = path; at !== '.' && !expected.has(at); at = dirname(at)) expected.add(at)
  const plan: Removal[] = []
  const add = (removal: Removal) => {
    if (plan.length === MAX_REMOVED) throw tooMany(root.path)
    plan.push(removal)
  }
  /** Plans a folder's entries. Returns whether all of them are removed. */
  const sweep = (folder: Folder, prefix: string, isRemoved: boolean, depth: number): boolean => {
    let isEmpty = true
    for (const { name, isUtf8 } of folder.list()) {
      const path = prefix + name
      const isKept =
        !isUtf8 ||
        (!isRemoved && name === toPartName(transferId)) ||
        !visit(folder, name, path, isRemoved || !expected.has(path), depth)
      if (isKept) isEmpty = false
    }
    return isEmpty
  }
  /** Plans one entry. Returns whether it is removed. */
  const visit = (folder: Folder, name: string, path: string, isRemoved: boolean, depth: number): boolean => {
    const stat = lstatSync(folder.at(name), { throwIfNoEntry: false })
    if (stat === undefined) return true
    if (!isRemoved && !stat.isDirectory()) return false
    if (isMountPoint(folder, name)) {
      if (isRemoved) throw mounted(`${root.path}/${path}`)
      return false
    }
    if (stat.isDirectory()) {
      if (depth === MAX_DEPTH) throw tooDeep(`${root.path}/${path}`)
      using below = openFolder(name, { makes: false }, folder)
      const isEmpty = sweep(below, `${path}/`, isRemoved, depth + 1)
      if (!isRemoved || !isEmpty) return false
    }
    add({ path, isFolder: stat.isDirectory() })
    return true
  }
  sweep(root, '', false, 0)
  return plan
}

/** Removes what was planned; entries that are gone already are skipped. Throws if a folder got new entries meanwhile. */
export function remove(root: Folder, plan: readonly Removal[]): void {
  using cursor = new FolderCursor(root)
  for (const { path, isFolder } of plan) {
    const place = cursor.find(path)?.at(basename(path))
    if (place !== undefined) ifThere(() => (isFolder ? rmdirSync(place) : unlinkSync(place)))
  }
}

/** Throws `file.path_refused` for a folder from which nothing is removed, such as /etc. */
export function refuseFirstLevel(path: string, place = path): void {
  if (dirname(place) === '/')
    throw refused(path, 'deleting is allowed only in folders at least two levels deep')
}

const toPrintable = (path: string): string => sanitizeText(path, 300)

const mounted = (path: string) =>
  new RollcallError(
    'file.denied',
    `${toPrintable(path)} is a mount point and cannot be removed. Unmount it, or omit --delete. Nothing was changed.`,
  )

const tooDeep = (path: string) =>
  new RollcallError(
    'file.denied',
    `${toPrintable(path)} is more than ${MAX_DEPTH} folders deep and cannot be removed. Remove it on the host, or omit --delete. Nothing was changed.`,
  )

const tooMany = (path: string) =>
  new RollcallError(
    'file.too_many',
    `More than ${MAX_REMOVED} entries would be removed from ${toPrintable(path)}. Check that it is the right folder, or remove them on the host. Nothing was changed.`,
  )
