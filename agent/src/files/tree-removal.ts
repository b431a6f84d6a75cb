import { lstatSync, readdirSync, readlinkSync, rmdirSync, unlinkSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { RollcallError, sanitizeText } from '@rollcall/contracts'
import type { TreeEntry } from '@rollcall/contracts/agent'
import { errorCode } from '../platform/files.ts'
import { isMountPoint } from './mounts.ts'
import { partNameOf } from './put-file.ts'
import { type Folder, openFolder, refused } from './safe-path.ts'

/** Each folder on the way down is held open. */
const MAX_DEPTH = 200
/** More than that is no slip of a list, and would not fit into memory. */
const MAX_REMOVED = 1_000_000

export interface Removal {
  path: string
  isFolder: boolean
}

/**
 * Lists what is in a tree and not in its list, what is in a folder before the folder. Other file systems stay that are mounted at a folder of
 * the list, and so do names that are no UTF-8, which can be in no list, with the folders above them. Throws `file.denied` for a mount point
 * that would have to go, `file.too_many`.
 */
export function planRemoval(root: Folder, entries: readonly TreeEntry[], transferId: string): Removal[] {
  // By where it is, and not by what it was called: links of root's may have led there.
  refuseFirstLevel(root.path, readlinkSync(`/proc/self/fd/${root.fd}`))
  const expected = new Set<string>()
  for (const { path } of entries)
    for (let at = path; at !== '.' && !expected.has(at); at = dirname(at)) expected.add(at)
  const plan: Removal[] = []
  const add = (removal: Removal) => {
    if (plan.length === MAX_REMOVED) throw tooMany(root.path)
    plan.push(removal)
  }
  /** Returns whether all that is in the folder goes. */
  const sweep = (folder: Folder, prefix: string, isGoing: boolean, depth: number): boolean => {
    let isEmptied = true
    for (const raw of readdirSync(folder.at('.'), { encoding: 'buffer' }).sort(Buffer.compare)) {
      const name = raw.toString('utf8')
      const path = prefix + name
      const isLeft =
        !Buffer.from(name).equals(raw) ||
        (!isGoing && name === partNameOf(transferId)) ||
        !visit(folder, name, path, isGoing || !expected.has(path), depth)
      if (isLeft) isEmptied = false
    }
    return isEmptied
  }
  /** Returns whether it goes. */
  const visit = (folder: Folder, name: string, path: string, isGoing: boolean, depth: number): boolean => {
    const stat = lstatSync(folder.at(name), { throwIfNoEntry: false })
    if (stat === undefined) return true
    if (!isGoing && !stat.isDirectory()) return false
    if (isMountPoint(folder, name)) {
      if (isGoing) throw mounted(`${root.path}/${path}`)
      return false
    }
    if (stat.isDirectory()) {
      if (depth === MAX_DEPTH) throw tooDeep(`${root.path}/${path}`)
      const below = openFolder(name, { makes: false }, folder)
      try {
        const isEmptied = sweep(below, `${path}/`, isGoing, depth + 1)
        if (!isGoing || !isEmptied) return false
      } finally {
        below.close()
      }
    }
    add({ path, isFolder: stat.isDirectory() })
    return true
  }
  sweep(root, '', false, 0)
  return plan
}

/** Removes what was planned. What went meanwhile is no fault, and what came into a folder keeps it, which throws. */
export function remove(root: Folder, plan: readonly Removal[]): void {
  let latest = null as { path: string; folder: Folder } | null
  try {
    for (const { path, isFolder } of plan) {
      const parent = dirname(path)
      if (latest?.path !== parent) {
        latest?.folder.close()
        latest = null
        latest = { path: parent, folder: openFolder(parent === '.' ? '' : parent, { makes: false }, root) }
      }
      removeOne(latest.folder.at(basename(path)), isFolder)
    }
  } finally {
    latest?.folder.close()
  }
}

function removeOne(place: string, isFolder: boolean): void {
  try {
    if (isFolder) rmdirSync(place)
    else unlinkSync(place)
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error
  }
}

/** Throws `file.path_refused` for a folder from which nothing is removed, such as /etc. */
export function refuseFirstLevel(path: string, place = path): void {
  if (dirname(place) === '/')
    throw refused(
      path,
      'what is missing in a list is removed below a folder of the second level at the least',
    )
}

const words = (path: string): string => sanitizeText(path, 300)

const mounted = (path: string) =>
  new RollcallError(
    'file.denied',
    `${words(path)} is a mount point and is not removed. Unmount it, or leave --delete out. Nothing was changed.`,
  )

const tooDeep = (path: string) =>
  new RollcallError(
    'file.denied',
    `${words(path)} lies deeper than ${MAX_DEPTH} folders and is not removed. Remove it on the host, or leave --delete out. Nothing was changed.`,
  )

const tooMany = (path: string) =>
  new RollcallError(
    'file.too_many',
    `More than ${MAX_REMOVED} things would be removed from ${words(path)}. Is it the right folder? Remove them on the host. Nothing was changed.`,
  )
