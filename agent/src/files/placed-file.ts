import { createHash } from 'node:crypto'
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  futimesSync,
  lstatSync,
  openSync,
  readSync,
  renameSync,
  type Stats,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { RollcallError } from '@rollcall/contracts'
import { toUtimesSeconds } from '@rollcall/contracts/agent'
import { errorCode } from '../platform/files.ts'
import { copyAttributes } from './file-attributes.ts'
import type { Owner } from './file-owner.ts'
import { type Folder, refused } from './safe-path.ts'

const READ_BYTES = 1024 * 1024
const NEW_MODE = 0o644

export interface Wish {
  size: number
  sha256: string
  mode: number | null
  owner: Owner
  /** When it was changed last; left as it comes where it is missing. */
  mtimeMs?: number
  /** A symbolic link of that name gives way; without this it is refused. */
  replacesLinks?: boolean
  /** Nothing is set right: it is only looked. */
  isDryRun?: boolean
}

/** What bears the name now; null for nothing. Throws `file.not_regular` for anything that no file may take the place of. */
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
    `${path} is ${what} and no file. Name a file, or remove it first.`,
  )
}

/** Opens a file that is there, and no link; whoever exchanges it gets nothing by that. */
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

/** SHA-256 over the first `size` bytes of an open file. */
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

/** How a file is that is there: as wished, with the content but other rights or another time, or another one. */
export type Standing = 'in-place' | 'rights-differ' | 'other'

/** Whether the file is there as wished; then nothing needs to be sent. Its mode and owner are set right. */
export const isInPlace = (folder: Folder, name: string, path: string, wish: Wish): boolean =>
  standingOf(folder, name, path, wish) !== 'other'

/** How the file is that is there. Its mode, owner and time are set right, but not in a dry run. */
export function standingOf(folder: Folder, name: string, path: string, wish: Wish): Standing {
  const stat = replaceable(folder, name, path, wish)
  if (stat === null || stat.size !== wish.size) return 'other'
  const fd = openRegular(folder, name, path)
  try {
    if (isInOthersHands(fstatSync(fd), wish.owner)) return 'other'
    const { hash, bytes } = hashOpen(fd, wish.size)
    if (bytes !== wish.size || hash.digest('hex') !== wish.sha256) return 'other'
    const held = fstatSync(fd)
    const standing = hasRights(held, wish) && hasTime(held, wish) ? 'in-place' : 'rights-differ'
    if (wish.isDryRun) return standing
    setRights(fd, held, wish)
    setTime(fd, held, wish)
    return standing
  } finally {
    closeSync(fd)
  }
}

/** Returns whether it was changed. */
function setOwner(fd: number, stat: Stats, owner: Owner): boolean {
  const uid = owner.uid ?? stat.uid
  const gid = owner.gid ?? stat.gid
  const isMoved = uid !== stat.uid || gid !== stat.gid
  if (isMoved) fchownSync(fd, uid, gid)
  return isMoved
}

/** What a file may take the place of: a file, nothing, and where that is wished a link, which counts as nothing. */
function replaceable(folder: Folder, name: string, path: string, { replacesLinks }: Wish): Stats | null {
  const isLink =
    replacesLinks === true && lstatSync(folder.at(name), { throwIfNoEntry: false })?.isSymbolicLink()
  return isLink ? null : regularOrNothing(folder, name, path)
}

const isOurs = (stat: Stats): boolean => stat.uid === 0 || stat.uid === process.geteuid?.()

/**
 * Whether it would be given to another owner though its present one, or another name of it, may still reach it: he could have it open, and
 * write it as somebody else's. Then a fresh one takes its place.
 */
const isInOthersHands = (stat: Stats, { uid, gid }: Owner): boolean =>
  ((uid !== null && uid !== stat.uid) || (gid !== null && gid !== stat.gid)) &&
  (!isOurs(stat) || stat.nlink > 1)

const hasTime = (stat: Stats, { mtimeMs }: Wish): boolean =>
  mtimeMs === undefined || Math.trunc(stat.mtimeMs) === mtimeMs

const hasRights = (stat: Stats, { mode, owner: { uid, gid } }: Wish): boolean =>
  (mode === null || (stat.mode & 0o7777) === mode) &&
  (uid === null || stat.uid === uid) &&
  (gid === null || stat.gid === gid)

function setTime(fd: number, stat: Stats, wish: Wish): void {
  if (wish.mtimeMs !== undefined && !hasTime(stat, wish))
    futimesSync(fd, stat.atimeMs / 1000, toUtimesSeconds(wish.mtimeMs))
}

/** Changes only what differs. The owner first: chown(2) takes set-user-id bits away. */
function setRights(fd: number, stat: Stats, { mode, owner }: Wish): void {
  const isMoved = setOwner(fd, stat, owner)
  if (mode !== null && (isMoved || (stat.mode & 0o7777) !== mode)) fchmodSync(fd, mode)
}

/**
 * A file that is being written under another name in the folder where it is to be. It is closed to everybody else until it is whole, and takes
 * the place of what bears the name in one step.
 */
export class PartFile {
  readonly #folder: Folder
  readonly #partName: string
  readonly #fd: number
  readonly #hash: ReturnType<typeof createHash>
  #size: number

  /** `from`: how much of it is already written, by a worker before this one. */
  constructor(folder: Folder, partName: string, from: number) {
    this.#folder = folder
    this.#partName = partName
    const path = folder.at(partName)
    const flags = constants.O_RDWR | constants.O_NOFOLLOW
    if (from > 0) {
      this.#fd = openSync(path, flags)
      const stat = fstatSync(this.#fd)
      if (!stat.isFile() || stat.size < from || stat.uid !== process.geteuid?.()) {
        closeSync(this.#fd)
        throw lostPart(folder.path)
      }
    } else {
      removeName(folder, partName)
      this.#fd = openSync(path, flags | constants.O_CREAT | constants.O_EXCL, 0o600)
    }
    ftruncateSync(this.#fd, from)
    this.#hash = hashOpen(this.#fd, from).hash
    this.#size = from
  }

  write(data: Uint8Array): void {
    this.#hash.update(data)
    for (let at = 0; at < data.length; ) {
      const written = writeSync(this.#fd, data, at, data.length - at, this.#size)
      at += written
      this.#size += written
    }
  }

  /**
   * Puts it in place. `isDurable`: file and name are on the disk when this returns.
   * @throws RollcallError `file.content_wrong`, `file.not_regular`
   */
  place(name: string, path: string, wish: Wish, isDurable: boolean): void {
    if (this.#size !== wish.size || this.#hash.digest('hex') !== wish.sha256)
      throw new RollcallError(
        'file.content_wrong',
        `What came of ${path} is not what was announced; it was thrown away. Send it again.`,
      )
    const before = replaceable(this.#folder, name, path, wish)
    const owner = { uid: wish.owner.uid ?? before?.uid ?? null, gid: wish.owner.gid ?? before?.gid ?? null }
    const mode = wish.mode ?? (before === null ? NEW_MODE : before.mode & 0o7777)
    setOwner(this.#fd, fstatSync(this.#fd), owner)
    if (before !== null) this.#keepAttributes(name, path, owner)
    fchmodSync(this.#fd, mode)
    setTime(this.#fd, fstatSync(this.#fd), wish)
    if (isDurable) fsyncSync(this.#fd)
    renameSync(this.#folder.at(this.#partName), this.#folder.at(name))
    const placed = lstatSync(this.#folder.at(name))
    if (placed.ino !== fstatSync(this.#fd).ino)
      throw refused(path, 'somebody exchanged it while it was put in place')
    if (isDurable) fsyncSync(this.#folder.fd)
  }

  close(): void {
    closeSync(this.#fd)
  }

  /**
   * Takes over the access lists and extended attributes, capabilities among them, of the file whose place it takes; not those that a former
   * owner other than root has set who is not the new one: he could let himself in.
   */
  #keepAttributes(name: string, path: string, owner: Owner): void {
    const former = openRegular(this.#folder, name, path)
    try {
      const stat = fstatSync(former)
      if (isOurs(stat) || stat.uid === owner.uid) copyAttributes(former, this.#fd, path)
    } finally {
      closeSync(former)
    }
  }
}

const lostPart = (path: string) =>
  new RollcallError(
    'file.content_wrong',
    `What was written in ${path} so far is not there any more. Send it again.`,
  )

export function removeName(folder: Folder, name: string): void {
  try {
    unlinkSync(folder.at(name))
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error
  }
}
