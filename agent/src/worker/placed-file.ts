import { createHash } from 'node:crypto'
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  futimesSync,
  lstatSync,
  openSync,
  readSync,
  type Stats,
} from 'node:fs'
import { RollcallError } from '@rollcall/contracts'
import { toUtimesSeconds } from '@rollcall/contracts/agent'
import { closing, errorCode } from '../platform/files.ts'
import type { Owner } from './file-owner.ts'
import type { Folder } from './safe-path.ts'

const READ_BYTES = 1024 * 1024

/** A file as an order wants it. */
export interface DesiredFile {
  size: number
  sha256: string
  mode: number | null
  owner: Owner
  /** Time of its last change; not set if missing. */
  mtimeMs?: number
  /** Replaces a symbolic link of that name, which is refused otherwise. */
  replacesLinks?: boolean
  /** Compares only and changes nothing. */
  isDryRun?: boolean
}

/** Returns the file of that name, or null if there is none. Throws `file.not_regular` for anything but a file. */
export function regularOrNothing(folder: Folder, name: string, path: string): Stats | null {
  const stat = lstatSync(folder.at(name), { throwIfNoEntry: false })
  if (stat === undefined) return null
  if (!stat.isFile()) throw notRegular(path, stat)
  return stat
}

export function notRegular(path: string, stat: Stats): RollcallError {
  const what = stat.isSymbolicLink()
    ? 'a symbolic link'
    : stat.isDirectory()
      ? 'a folder'
      : 'a device, socket or pipe'
  return new RollcallError(
    'file.not_regular',
    `${path} is ${what}, not a file. Name a file, or remove it first.`,
  )
}

/** Opens an existing file for reading, following no link. Throws `file.not_regular` for anything but a file. */
export function openRegular(folder: Folder, name: string, path: string): number {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  let fd: number
  try {
    fd = openSync(folder.at(name), flags)
  } catch (error) {
    // ELOOP for a link, ENXIO for a socket.
    if (errorCode(error) === 'ELOOP' || errorCode(error) === 'ENXIO')
      throw notRegular(path, lstatSync(folder.at(name)))
    throw error
  }
  const stat = fstatSync(fd)
  if (stat.isFile()) return fd
  closeSync(fd)
  throw notRegular(path, stat)
}

/** Hashes the first `size` bytes of an open file. Returns the SHA-256 in progress and how many bytes there were. */
export function hashOpen(fd: number, size: number) {
  const hash = createHash('sha256')
  const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, Math.max(size, 1)))
  let at = 0
  while (at < size) {
    const read = readSync(fd, buffer, 0, Math.min(buffer.length, size - at), at)
    if (read === 0) break
    hash.update(buffer.subarray(0, read))
    at += read
  }
  return { hash, bytes: at }
}

/** How an existing file compares with the desired one: equal, equal but for owner, mode or time, or different. */
export type Comparison = 'equal' | 'metadata-differs' | 'different'

/** Tells whether the desired file exists, so that nothing needs to be sent. Sets its mode and owner. */
export const isInPlace = (folder: Folder, name: string, path: string, desired: DesiredFile): boolean =>
  reconcileFile(folder, name, path, desired) !== 'different'

/** Compares an existing file with the desired one and, except in a dry run, sets its mode, owner and time. Returns the comparison. */
export function reconcileFile(folder: Folder, name: string, path: string, desired: DesiredFile): Comparison {
  const stat = replaceable(folder, name, path, desired)
  if (stat === null || stat.size !== desired.size) return 'different'
  const fd = openRegular(folder, name, path)
  using _fd = closing(fd)
  if (isExposed(fstatSync(fd), desired.owner)) return 'different'
  const { hash, bytes } = hashOpen(fd, desired.size)
  if (bytes !== desired.size || hash.digest('hex') !== desired.sha256) return 'different'
  const opened = fstatSync(fd)
  const comparison = hasMetadata(opened, desired) ? 'equal' : 'metadata-differs'
  if (desired.isDryRun) return comparison
  setOwnerAndMode(fd, opened, desired)
  setTime(fd, opened, desired)
  return comparison
}

/** Changes the owner if it differs. Returns whether it did. */
export function setOwner(fd: number, stat: Stats, owner: Owner): boolean {
  const uid = owner.uid ?? stat.uid
  const gid = owner.gid ?? stat.gid
  const isChanged = uid !== stat.uid || gid !== stat.gid
  if (isChanged) fchownSync(fd, uid, gid)
  return isChanged
}

/** Returns the file that would be replaced, or null for none; a link counts as none where links are replaced. Throws `file.not_regular`. */
export function replaceable(
  folder: Folder,
  name: string,
  path: string,
  { replacesLinks }: DesiredFile,
): Stats | null {
  const isLink =
    replacesLinks === true && lstatSync(folder.at(name), { throwIfNoEntry: false })?.isSymbolicLink()
  return isLink ? null : regularOrNothing(folder, name, path)
}

export const isOurs = (stat: Stats): boolean => stat.uid === 0 || stat.uid === process.geteuid?.()

/**
 * Tells whether a file that changes its owner could still be written by the present owner, who may hold it open, or through
 * another hard link. Such a file is replaced by a new one.
 */
const isExposed = (stat: Stats, { uid, gid }: Owner): boolean =>
  ((uid !== null && uid !== stat.uid) || (gid !== null && gid !== stat.gid)) &&
  (!isOurs(stat) || stat.nlink > 1)

const hasTime = (stat: Stats, { mtimeMs }: DesiredFile): boolean =>
  mtimeMs === undefined || Math.trunc(stat.mtimeMs) === mtimeMs

const hasMetadata = (stat: Stats, desired: DesiredFile): boolean => {
  const { mode, owner } = desired
  return (
    hasTime(stat, desired) &&
    (mode === null || (stat.mode & 0o7777) === mode) &&
    (owner.uid === null || stat.uid === owner.uid) &&
    (owner.gid === null || stat.gid === owner.gid)
  )
}

export function setTime(fd: number, stat: Stats, desired: DesiredFile): void {
  if (desired.mtimeMs !== undefined && !hasTime(stat, desired))
    futimesSync(fd, stat.atimeMs / 1000, toUtimesSeconds(desired.mtimeMs))
}

/** Sets what differs, the owner first: chown(2) clears set-user-id bits. */
function setOwnerAndMode(fd: number, stat: Stats, { mode, owner }: DesiredFile): void {
  const isChanged = setOwner(fd, stat, owner)
  if (mode !== null && (isChanged || (stat.mode & 0o7777) !== mode)) fchmodSync(fd, mode)
}
