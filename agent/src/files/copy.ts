import { createHash } from 'node:crypto'
import { closeSync, fsyncSync, openSync, readSync, writeFileSync, writeSync } from 'node:fs'
import { zstdCompressSync } from 'node:zlib'
import { RollcallError, sanitizeText } from '@rollcall/contracts'
import { isWorthCompressing, MAX_CHUNK_BYTES, type TransferResult } from '@rollcall/contracts/agent'
import { appendEnd, type PieceFiles } from './pieces.ts'
import { needRoom } from './put-file.ts'
import { Folder } from './safe-path.ts'
import { progressText } from './transfer-records.ts'

const TOLD_BYTES = 1024 * 1024

/** Where the copy is to lie, and where it is told how far it is. */
export type Spool = PieceFiles & { folder: string; progress: string }

/** What is handed out of a host: it lies in the spool in pieces of 1 MiB that are compressed one by one. */
export class Copy implements Disposable {
  readonly #spool: Spool
  readonly #content: number
  readonly #ends: number
  readonly #hash = createHash('sha256')
  readonly #piece: Buffer
  #filled = 0
  #size = 0
  #end = 0
  #moved = 0
  #untold = 0

  private constructor(spool: Spool, piece: Buffer) {
    this.#spool = spool
    this.#piece = piece
    this.#content = openSync(spool.pieces, 'w', 0o600)
    this.#ends = openSync(spool.ends, 'w', 0o600)
  }

  /** `bytes`: as many as will be added, as far as known. Throws `file.disk_full`. */
  static begin(spool: Spool, bytes: number, leftFree: number): Copy {
    const folder = new Folder(openSync(spool.folder, 'r'), spool.folder)
    try {
      needRoom(folder, bytes, leftFree)
    } finally {
      folder.close()
    }
    return new Copy(spool, Buffer.allocUnsafe(Math.min(MAX_CHUNK_BYTES, Math.max(bytes, 1))))
  }

  /** The first `size` bytes of an open file. Throws `file.changed` where it has fewer. */
  async addFile(fd: number, size: number, path: string): Promise<void> {
    for (let at = 0; at < size; ) {
      const wanted = Math.min(this.#piece.length - this.#filled, size - at)
      const read = readSync(fd, this.#piece, this.#filled, wanted, at)
      if (read === 0)
        throw new RollcallError(
          'file.changed',
          `${sanitizeText(path, 300)} became shorter while it was copied. Copy it again when nobody writes it anew.`,
        )
      at += read
      await this.#added(read)
    }
  }

  async add(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const taken = bytes.copy(this.#piece, this.#filled, at)
      at += taken
      await this.#added(taken)
    }
  }

  /** Tells now and then that something is going on: so many bytes more were read, whether or not they are copied. */
  async moved(bytes: number): Promise<void> {
    this.#moved += bytes
    this.#untold += bytes
    if (this.#untold < TOLD_BYTES) return
    this.#untold = 0
    writeFileSync(this.#spool.progress, progressText(this.#moved), { flag: 'r+' })
    // The runner may have gone meanwhile, and is to be heard.
    await new Promise<void>((resolve) => void setImmediate(resolve))
  }

  /** What was copied, when it is on the disk. */
  async finish(mode: number): Promise<TransferResult> {
    if (this.#filled > 0) await this.#keep()
    fsyncSync(this.#content)
    fsyncSync(this.#ends)
    const content = { size: this.#size, sha256: this.#hash.digest('hex'), mode: mode & 0o7777 }
    return { error: null, files_written: 0, files_unchanged: 0, content }
  }

  [Symbol.dispose](): void {
    closeSync(this.#content)
    closeSync(this.#ends)
  }

  async #added(length: number): Promise<void> {
    this.#filled += length
    if (this.#filled === this.#piece.length) await this.#keep()
  }

  async #keep(): Promise<void> {
    const piece = this.#piece.subarray(0, this.#filled)
    this.#hash.update(piece)
    const small = zstdCompressSync(piece)
    const kept = isWorthCompressing(piece.length, small.length) ? small : piece
    for (let at = 0; at < kept.length; ) at += writeSync(this.#content, kept, at)
    this.#end += kept.length
    appendEnd(this.#ends, this.#end)
    this.#size += piece.length
    this.#filled = 0
    await this.moved(piece.length)
  }
}
