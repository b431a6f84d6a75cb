import { fchownSync } from 'node:fs'
import { RollcallError, sanitizeText } from '@rollcall/contracts'
import type { TreeFile } from '@rollcall/contracts/agent'
import type { Owner } from './file-owner.ts'
import { refuseMountPoint } from './mounts.ts'
import { type PartFile, type Standing, standingOf, type Wish } from './placed-file.ts'
import { type Job, openPart } from './put-file.ts'
import { type Folder, openFolder } from './safe-path.ts'
import { asFailure } from './worker-failure.ts'

/** How it goes about files, other than one by one. */
type Manner = Pick<Wish, 'replacesLinks' | 'isDryRun'>

/** Compares and places the files of a tree below an open folder. */
export class TreeWriter {
  readonly #root: Folder
  readonly #owner: Owner
  readonly #job: Job
  readonly #manner: Manner
  /** The folder of the latest file: lists are in order, so the next one is mostly in it too. */
  #latest: { path: string; folder: Folder } | null = null

  constructor(root: Folder, owner: Owner, job: Job, manner: Manner = {}) {
    this.#root = root
    this.#owner = owner
    this.#job = job
    this.#manner = manner
  }

  has(file: TreeFile): boolean {
    return this.standingOf(file) !== 'other'
  }

  standingOf(file: TreeFile): Standing {
    try {
      const { folder, name } = this.#place(file.path, false)
      return standingOf(folder, name, this.#words(file), this.#wish(file))
    } catch (error) {
      if (error instanceof RollcallError && error.code === 'file.not_found') return 'other'
      throw error
    }
  }

  /** Sets rights and times of a file right whose content is. Throws `file.changed` where that is not so any more. */
  settle(file: TreeFile): void {
    if (this.has(file)) return
    throw new RollcallError(
      'file.changed',
      `${sanitizeText(this.#words(file), 300)} changed while the tree was brought in step. Send it again.`,
    )
  }

  /** Throws `file.denied` for the first of these that is a mount point, of which no file can take the place. */
  refuseMountPoints(files: readonly TreeFile[]): void {
    for (const file of files) {
      try {
        const { folder, name } = this.#place(file.path, false)
        refuseMountPoint(folder, name, this.#words(file))
      } catch (error) {
        if (!(error instanceof RollcallError) || error.code !== 'file.not_found') throw error
      }
    }
  }

  /** Places these files out of the content that comes from `start` on, one after the other. */
  async write(files: readonly TreeFile[], start: number): Promise<void> {
    const { content } = this.#job
    let done = content.offset - start
    let at = 0
    for (; at < files.length && done >= (files[at] as TreeFile).size; at++) {
      const { size } = files[at] as TreeFile
      // An empty one at the very end of what has come may be missing: it costs nothing to make it again.
      if (size === 0) this.#begin(files[at] as TreeFile, 0).finish()
      done -= size
    }
    let current: Writing | null = null
    const open = (): Writing | null => {
      while (at < files.length) {
        current ??= this.#begin(files[at] as TreeFile, done)
        done = 0
        if (!current.isWhole) return current
        current.finish()
        current = null
        at++
      }
      return null
    }
    const apply = (piece: Buffer) => {
      for (let rest = piece; rest.length > 0; ) {
        const writing = open()
        if (writing === null) throw tooMuch()
        rest = writing.take(rest)
        open()
      }
    }
    while (open() !== null) await content.next(apply)
  }

  #begin(file: TreeFile, from: number): Writing {
    const { folder, name } = this.#place(file.path, true)
    const path = this.#words(file)
    const wish = this.#wish(file)
    const part = openPart(folder, name, path, wish, this.#job, from)
    const place = () => {
      try {
        part?.place(name, path, wish, false)
      } catch (error) {
        throw asFailure(error, path)
      }
    }
    return new Writing(part, file.size - from, place)
  }

  #place(path: string, makes: boolean): { folder: Folder; name: string } {
    const cut = path.lastIndexOf('/')
    const parent = path.slice(0, Math.max(cut, 0))
    if (this.#latest?.path !== parent) {
      this.#latest?.folder.close()
      this.#latest = null
      this.#latest = { path: parent, folder: openFolder(parent, { makes, onMade: this.#own }, this.#root) }
    }
    return { folder: this.#latest.folder, name: path.slice(cut + 1) }
  }

  readonly #own = (fd: number): void => {
    const { uid, gid } = this.#owner
    if (uid !== null || gid !== null) fchownSync(fd, uid ?? 0, gid ?? 0)
  }

  #words = (file: TreeFile): string => `${this.#root.path}/${file.path}`

  #wish = ({ size, sha256, mode, mtime_ms }: TreeFile): Wish => ({
    size,
    sha256,
    mode,
    owner: this.#owner,
    ...(mtime_ms !== undefined && { mtimeMs: mtime_ms }),
    ...this.#manner,
  })
}

/** One file that is being written; without a part it is in place already, and what comes of it is passed over. */
class Writing {
  readonly #part: PartFile | null
  readonly #place: () => void
  #missing: number

  constructor(part: PartFile | null, missing: number, place: () => void) {
    this.#part = part
    this.#missing = missing
    this.#place = place
  }

  get isWhole(): boolean {
    return this.#missing === 0
  }

  /** Takes what belongs to it and gives back the rest. */
  take(data: Buffer): Buffer {
    const own = data.subarray(0, this.#missing)
    this.#part?.write(own)
    this.#missing -= own.length
    return data.subarray(own.length)
  }

  finish(): void {
    this.#place()
    this.#part?.close()
  }
}

const tooMuch = () =>
  new RollcallError(
    'file.chunk_invalid',
    'More content came than the wanted files have. Send the whole again.',
  )
