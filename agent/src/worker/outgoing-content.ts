import { createHash } from 'node:crypto'
import { closeSync, fsyncSync, openSync, readSync, writeFileSync, writeSync } from 'node:fs'
import { zstdCompressSync } from 'node:zlib'
import { RollcallError, sanitizeText } from '@rollcall/contracts'
import { isWorthCompressing, MAX_CHUNK_BYTES, type TransferResult } from '@rollcall/contracts/agent'
import { appendEnd, type PiecePaths } from '../spool/content-pieces.ts'
import { toProgressText } from '../spool/transfer-records.ts'
import { requireSpace } from './put-file.ts'
import { Folder } from './safe-path.ts'

const REPORT_EVERY_BYTES = 1024 * 1024

/** The files of the copy, and the file that shows its progress. */
export type OutgoingPaths = PiecePaths & { folder: string; progress: string }

/** Writes content that leaves the host into the spool, in pieces of 1 MiB that are compressed one by one. */
export class OutgoingContentWriter implements Disposable {
  readonly #paths: OutgoingPaths
  readonly #content: number
  readonly #ends: number
  readonly #hash = createHash('sha256')
  readonly #piece: Buffer
  #filled = 0
  #size = 0
  #end = 0
  #processed = 0
  #unreported = 0

  private constructor(paths: OutgoingPaths, piece: Buffer) {
    this.#paths = paths
    this.#piece = piece
    this.#content = openSync(paths.pieces, 'w', 0o600)
    this.#ends = openSync(paths.ends, 'w', 0o600)
  }

  /** Opens a writer for about `bytes` of content. Throws `file.disk_full`. */
  static open(paths: OutgoingPaths, bytes: number, leftFree: number): OutgoingContentWriter {
    using folder = new Folder(openSync(paths.folder, 'r'), paths.folder)
    requireSpace(folder, bytes, leftFree)
    return new OutgoingContentWriter(paths, Buffer.allocUnsafe(Math.min(MAX_CHUNK_BYTES, Math.max(bytes, 1))))
  }

  /** Adds the first `size` bytes of an open file. Throws `file.changed` if it has fewer. */
  async addFile(fd: number, size: number, path: string): Promise<void> {
    for (let at = 0; at < size; ) {
      const wanted = Math.min(this.#piece.length - this.#filled, size - at)
      const read = readSync(fd, this.#piece, this.#filled, wanted, at)
      if (read === 0)
        throw new RollcallError(
          'file.changed',
          `${sanitizeText(path, 300)} became shorter while it was copied. Copy it again when it no longer changes.`,
        )
      at += read
      await this.#advance(read)
    }
  }

  async add(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const taken = bytes.copy(this.#piece, this.#filled, at)
      at += taken
      await this.#advance(taken)
    }
  }

  /** Counts bytes that were read, copied or not, and records the progress now and then. */
  async reportProgress(bytes: number): Promise<void> {
    this.#processed += bytes
    this.#unreported += bytes
    if (this.#unreported < REPORT_EVERY_BYTES) return
    this.#unreported = 0
    writeFileSync(this.#paths.progress, toProgressText(this.#processed), { flag: 'r+' })
    // Yields, so that the end of the runner is noticed.
    await new Promise<void>((resolve) => void setImmediate(resolve))
  }

  /** Flushes the copy to the disk. Returns its size, SHA-256 and mode. */
  async finish(mode: number): Promise<TransferResult> {
    if (this.#filled > 0) await this.#writePiece()
    fsyncSync(this.#content)
    fsyncSync(this.#ends)
    const content = { size: this.#size, sha256: this.#hash.digest('hex'), mode: mode & 0o7777 }
    return { error: null, files_written: 0, files_unchanged: 0, content }
  }

  [Symbol.dispose](): void {
    closeSync(this.#content)
    closeSync(this.#ends)
  }

  async #advance(length: number): Promise<void> {
    this.#filled += length
    if (this.#filled === this.#piece.length) await this.#writePiece()
  }

  async #writePiece(): Promise<void> {
    const piece = this.#piece.subarray(0, this.#filled)
    this.#hash.update(piece)
    const small = zstdCompressSync(piece)
    const kept = isWorthCompressing(piece.length, small.length) ? small : piece
    for (let at = 0; at < kept.length; ) at += writeSync(this.#content, kept, at)
    this.#end += kept.length
    appendEnd(this.#ends, this.#end)
    this.#size += piece.length
    this.#filled = 0
    await this.reportProgress(piece.length)
  }
}
