import { createHash } from 'node:crypto'
import { closeSync, fstatSync, fsyncSync, openSync, readSync, writeFileSync, writeSync } from 'node:fs'
import { zstdCompressSync } from 'node:zlib'
import { RollcallError, sanitizeText } from '@rollcall/contracts'
import { MAX_CHUNK_BYTES, type TransferOrder, type TransferResult } from '@rollcall/contracts/agent'
import { errorCode } from '../platform/files.ts'
import { appendEnd, type PieceFiles } from './pieces.ts'
import { openRegular } from './placed-file.ts'
import { needRoom } from './put-file.ts'
import { Folder, notFound, openParent } from './safe-path.ts'
import { progressText } from './transfer-records.ts'

/** A piece that becomes hardly smaller is kept as it is, which saves the reader the work. */
const WORTH_IT = 0.97

type GetFile = Extract<TransferOrder, { kind: 'get_file' }>

/**
 * Copies a file, as long as it is at the beginning, into the spool in pieces that are compressed one by one. What is appended
 * meanwhile is left out. A worker that follows one that died begins anew.
 */
export async function getFile(
  order: GetFile,
  spool: PieceFiles & { folder: string; progress: string },
  leftFree: number,
): Promise<TransferResult> {
  const source = openSource(order.path)
  const { size, mode } = fstatSync(source)
  const files = [source]
  try {
    needSpool(spool.folder, size, leftFree)
    const [content, ends] = [spool.pieces, spool.ends].map((path) => {
      const fd = openSync(path, 'w', 0o600)
      files.push(fd)
      return fd
    }) as [number, number]
    const hash = createHash('sha256')
    const buffer = Buffer.allocUnsafe(Math.min(MAX_CHUNK_BYTES, Math.max(size, 1)))
    for (let at = 0, end = 0; at < size; ) {
      const piece = readPiece(source, buffer, at, size, order.path)
      hash.update(piece)
      const small = zstdCompressSync(piece)
      const kept = small.length < piece.length * WORTH_IT ? small : piece
      writeAll(content, kept)
      end += kept.length
      appendEnd(ends, end)
      at += piece.length
      writeFileSync(spool.progress, progressText(at), { flag: 'r+' })
      // The runner may have gone meanwhile, and is to be heard.
      await new Promise<void>((resolve) => void setImmediate(resolve))
    }
    fsyncSync(content)
    fsyncSync(ends)
    const copy = { size, sha256: hash.digest('hex'), mode: mode & 0o7777 }
    return { error: null, files_written: 0, files_unchanged: 0, content: copy }
  } finally {
    for (const fd of files) closeSync(fd)
  }
}

function openSource(path: string): number {
  const { folder, name } = openParent(path)
  try {
    return openRegular(folder, name, sanitizeText(path, 300))
  } catch (error) {
    if (errorCode(error) === 'ENOENT') throw notFound(path)
    throw error
  } finally {
    folder.close()
  }
}

function needSpool(path: string, bytes: number, leftFree: number): void {
  const folder = new Folder(openSync(path, 'r'), path)
  try {
    needRoom(folder, bytes, leftFree)
  } finally {
    folder.close()
  }
}

function readPiece(fd: number, buffer: Buffer, at: number, size: number, path: string): Buffer {
  let length = 0
  const wanted = Math.min(MAX_CHUNK_BYTES, size - at)
  while (length < wanted) {
    const read = readSync(fd, buffer, length, wanted - length, at + length)
    if (read === 0)
      throw new RollcallError(
        'file.changed',
        `${sanitizeText(path, 300)} became shorter while it was copied. Copy it again when nobody writes it anew.`,
      )
    length += read
  }
  return buffer.subarray(0, length)
}

function writeAll(fd: number, data: Buffer): void {
  for (let at = 0; at < data.length; ) at += writeSync(fd, data, at)
}
