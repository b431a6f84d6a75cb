import { createHash } from 'node:crypto'
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  lstatSync,
  openSync,
  readlinkSync,
  renameSync,
  writeSync,
} from 'node:fs'
import { basename, dirname } from 'node:path'
import { RollcallError } from '@rollcall/contracts'
import { closing, errorCode } from '../platform/files.ts'
import { copyAttributes } from './file-attributes.ts'
import type { Owner } from './file-owner.ts'
import {
  type DesiredFile,
  hashOpen,
  isInPlace,
  isOurs,
  openRegular,
  replaceable,
  setOwner,
  setTime,
} from './placed-file.ts'
import { type Folder, openFolder, refused } from './safe-path.ts'
import { type TransferJob, toPartName } from './transfer-job.ts'

const NEW_MODE = 0o644

/** A file that is written under a temporary name in its target folder, readable by nobody else, and renamed into place. */
export class PartFile implements Disposable {
  readonly #folder: Folder
  readonly #partName: string
  readonly #fd: number
  readonly #hash: ReturnType<typeof createHash>
  #size: number

  /** Opens the part after `from` bytes, which an earlier worker wrote. Throws `file.content_wrong` if they are gone. */
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
      folder.unlink(partName)
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

  /** Moves the file into place; with `isDurable` it is on the disk on return. Throws `file.content_wrong`, `file.not_regular`. */
  place(name: string, path: string, desired: DesiredFile, isDurable: boolean): void {
    if (this.#size !== desired.size || this.#hash.digest('hex') !== desired.sha256)
      throw new RollcallError(
        'file.content_wrong',
        `The content received for ${path} does not match its announced size and SHA-256, so it was discarded. Send it again.`,
      )
    const before = replaceable(this.#folder, name, path, desired)
    const owner = {
      uid: desired.owner.uid ?? before?.uid ?? null,
      gid: desired.owner.gid ?? before?.gid ?? null,
    }
    const mode = desired.mode ?? (before === null ? NEW_MODE : before.mode & 0o7777)
    setOwner(this.#fd, fstatSync(this.#fd), owner)
    if (before !== null) this.#copyAttributes(name, path, owner)
    fchmodSync(this.#fd, mode)
    setTime(this.#fd, fstatSync(this.#fd), desired)
    if (isDurable) fsyncSync(this.#fd)
    renameSync(this.#folder.at(this.#partName), this.#folder.at(name))
    const placed = lstatSync(this.#folder.at(name))
    if (placed.ino !== fstatSync(this.#fd).ino)
      throw refused(path, 'it was replaced while it was being written')
    if (isDurable) fsyncSync(this.#folder.fd)
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd)
  }

  /**
   * Copies access lists and extended attributes (capabilities among them) from the replaced file, unless they were set by an
   * owner other than root and the new owner, who could grant himself access.
   */
  #copyAttributes(name: string, path: string, owner: Owner): void {
    const former = openRegular(this.#folder, name, path)
    using _former = closing(former)
    const stat = fstatSync(former)
    if (isOurs(stat) || stat.uid === owner.uid) copyAttributes(former, this.#fd, path)
  }
}

const lostPart = (path: string) =>
  new RollcallError('file.content_wrong', `The partly written file in ${path} is gone. Send it again.`)

/** Opens the part file at offset `from`. Returns null if an earlier worker had moved it into place and died before it said so. */
export function openPart(
  folder: Folder,
  name: string,
  path: string,
  desired: DesiredFile,
  job: TransferJob,
  from: number,
): PartFile | null {
  const partName = toPartName(job.id)
  try {
    if (from === 0) job.notePart(`${folder.path}/${partName}`)
    return new PartFile(folder, partName, from)
  } catch (error) {
    if (from === 0 || errorCode(error) !== 'ENOENT' || !isInPlace(folder, name, path, desired)) throw error
    return null
  }
}

/** Removes the unfinished file that the transfer's link names. Does nothing when there is none, or its folder was replaced. */
export function removePart(link: string): void {
  try {
    const path = readlinkSync(link)
    if (!/^\.rollcall-[0-9a-f-]{36}\.part$/.test(basename(path))) return
    using folder = openFolder(dirname(path), { makes: false })
    folder.unlink(basename(path))
  } catch (error) {
    if (errorCode(error) !== 'ENOENT' && !(error instanceof RollcallError)) throw error
  }
}
