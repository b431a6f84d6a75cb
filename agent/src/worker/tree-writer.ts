import { fchownSync } from 'node:fs'
import { basename } from 'node:path'
import { RollcallError, sanitizeText } from '@rollcall/contracts'
import type { TreeFile } from '@rollcall/contracts/agent'
import { toFileError } from './file-errors.ts'
import type { Owner } from './file-owner.ts'
import { refuseMountPoint } from './mount-points.ts'
import { openPart, type PartFile } from './part-file.ts'
import { type Comparison, type DesiredFile, reconcileFile } from './placed-file.ts'
import { type Folder, FolderCursor } from './safe-path.ts'
import type { TransferJob } from './transfer-job.ts'

type WriteOptions = Pick<DesiredFile, 'replacesLinks' | 'isDryRun'>

/** Compares and places the files of a tree below an open folder. */
export class TreeWriter {
  readonly #cursor: FolderCursor

  constructor(
    private readonly root: Folder,
    private readonly owner: Owner,
    private readonly job: TransferJob,
    private readonly options: WriteOptions = {},
  ) {
    const { uid, gid } = owner
    this.#cursor = new FolderCursor(root, (fd) => {
      if (uid !== null || gid !== null) fchownSync(fd, uid ?? 0, gid ?? 0)
    })
  }

  has(file: TreeFile): boolean {
    return this.compare(file) !== 'different'
  }

  /** Compares a file, and sets its metadata except in a dry run. Returns `different` for a file that is missing. */
  compare(file: TreeFile): Comparison {
    const folder = this.#cursor.find(file.path)
    return folder === null
      ? 'different'
      : reconcileFile(folder, basename(file.path), this.#pathOf(file), this.#toDesired(file))
  }

  /** Sets owner, mode and time of a file whose content is right. Throws `file.changed` if it has changed since. */
  setMetadata(file: TreeFile): void {
    if (this.has(file)) return
    throw new RollcallError(
      'file.changed',
      `${sanitizeText(this.#pathOf(file), 300)} changed while the tree was being written. Send it again.`,
    )
  }

  /** Throws `file.denied` for the first file that is a mount point, which no file can replace. */
  refuseMountPoints(files: readonly TreeFile[]): void {
    for (const file of files) {
      const folder = this.#cursor.find(file.path)
      if (folder !== null) refuseMountPoint(folder, basename(file.path), this.#pathOf(file))
    }
  }

  /** Writes the files, whose content follows one another from offset `start` on. */
  async write(files: readonly TreeFile[], start: number): Promise<void> {
    const { content } = this.job
    let done = content.offset - start
    let at = 0
    for (; at < files.length && done >= (files[at] as TreeFile).size; at++) {
      const { size } = files[at] as TreeFile
      // An empty file at the end of the received content may be missing, and is cheap to write again.
      if (size === 0) this.#begin(files[at] as TreeFile, 0).finish()
      done -= size
    }
    let current: FileInProgress | null = null
    const open = (): FileInProgress | null => {
      while (at < files.length) {
        current ??= this.#begin(files[at] as TreeFile, done)
        done = 0
        if (!current.isComplete) return current
        current.finish()
        current = null
        at++
      }
      return null
    }
    const apply = (piece: Buffer) => {
      for (let rest = piece; rest.length > 0; ) {
        const writing = open()
        if (writing === null) throw excessContent()
        rest = writing.take(rest)
        open()
      }
    }
    while (open() !== null) await content.next(apply)
  }

  #begin(file: TreeFile, from: number): FileInProgress {
    const folder = this.#cursor.create(file.path)
    const name = basename(file.path)
    const path = this.#pathOf(file)
    const desired = this.#toDesired(file)
    const part = openPart(folder, name, path, desired, this.job, from)
    const place = () => {
      try {
        part?.place(name, path, desired, false)
      } catch (error) {
        throw toFileError(error, path)
      }
    }
    return new FileInProgress(part, file.size - from, place)
  }

  #pathOf = (file: TreeFile): string => `${this.root.path}/${file.path}`

  #toDesired = ({ size, sha256, mode, mtime_ms }: TreeFile): DesiredFile => ({
    size,
    sha256,
    mode,
    owner: this.owner,
    ...(mtime_ms !== undefined && { mtimeMs: mtime_ms }),
    ...this.options,
  })
}

/** A file that is being written. Without a part it is in place already, and its content is skipped. */
class FileInProgress {
  constructor(
    private readonly part: PartFile | null,
    private missing: number,
    private readonly place: () => void,
  ) {}

  get isComplete(): boolean {
    return this.missing === 0
  }

  /** Writes the file's share of the data. Returns the rest. */
  take(data: Buffer): Buffer {
    const own = data.subarray(0, this.missing)
    this.part?.write(own)
    this.missing -= own.length
    return data.subarray(own.length)
  }

  finish(): void {
    this.place()
    this.part?.[Symbol.dispose]()
  }
}

const excessContent = () =>
  new RollcallError(
    'file.chunk_invalid',
    'More content arrived than the wanted files have. Send everything again.',
  )
