import { fstatSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { zstdDecompressSync } from 'node:zlib'
import { RollcallError } from '@rollcall/contracts'
import { frame, MAX_FRAMES, openEnvelope } from '@rollcall/contracts/agent'
import { z } from 'zod'
import { closing, errorCode, openIfThere } from '../platform/files.ts'
import { waitForChange } from '../spool/spool-watch.ts'
import type { TransferPaths } from '../spool/transfer-paths.ts'
import { readProgress, toProgressText } from '../spool/transfer-records.ts'

/** A worker that receives nothing for this long exits; the next content starts another one. */
const IDLE_TIMEOUT_MS = 60_000
const framesOfChunk = z.array(frame).min(1).max(MAX_FRAMES)

/** No content arrived for a minute. The worker exits, and the transfer stays as it is. */
export class IdleTimeoutError extends Error {}

/** Reads the content of a transfer in order, as it arrives. `offset` counts bytes before compression. */
export class IncomingContent {
  readonly #progress: number
  readonly #reader = new ChunkReader()
  offset: number

  constructor(private readonly paths: TransferPaths) {
    this.#progress = openSync(paths.progress, 'r+')
    this.offset = readProgress(paths)
  }

  /**
   * Passes the next chunk to `apply`, piece by piece, then records the new offset. After a crash in between, the next worker applies
   * the same pieces again. Throws `IdleTimeoutError`, `file.chunk_invalid`.
   */
  async next(apply: (piece: Buffer) => void): Promise<void> {
    const path = this.paths.chunk(this.offset)
    const chunk = await this.#wait(path)
    let { bytes } = chunk
    let applied = 0
    for (const { encoding, bytes: length, raw_bytes } of chunk.frames) {
      const piece = decode(bytes.subarray(0, length), encoding, raw_bytes)
      bytes = bytes.subarray(length)
      apply(piece)
      applied += piece.length
      if (encoding !== 'identity') freeMemory(piece)
    }
    if (applied === 0) throw invalid('it is empty')
    this.offset += applied
    writeSync(this.#progress, toProgressText(this.offset), 0)
    rmSync(path, { force: true })
  }

  async #wait(path: string): Promise<Chunk> {
    const never = new AbortController().signal
    const isRelevant = (name: string) => name.startsWith('chunk.')
    const chunk = await waitForChange(this.paths.folder, IDLE_TIMEOUT_MS, never, isRelevant, () =>
      this.#reader.read(path),
    )
    if (chunk === null) throw new IdleTimeoutError()
    return chunk
  }
}

interface Chunk {
  frames: z.infer<typeof framesOfChunk>
  bytes: Buffer
}

/** Reads each chunk into the same buffer: a chunk is valid until the next one is read. */
class ChunkReader {
  #buffer = Buffer.alloc(0)

  /** Returns null if there is no such file. */
  read(path: string): Chunk | null {
    const fd = openIfThere(path)
    if (fd === null) return null
    using _fd = closing(fd)
    const { size } = fstatSync(fd)
    if (size > this.#buffer.length) this.#buffer = Buffer.allocUnsafeSlow(size)
    let at = 0
    for (let read = -1; read !== 0 && at < size; at += read)
      read = readSync(fd, this.#buffer, at, size - at, at)
    return parseChunk(this.#buffer.subarray(0, at))
  }
}

function parseChunk(envelope: Buffer): Chunk {
  const opened = openEnvelope(envelope)
  if (opened === null) throw invalid('it is truncated')
  const frames = framesOfChunk.parse(JSON.parse(Buffer.from(opened.json).toString('utf8')))
  const { bytes } = opened
  return { frames, bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length) }
}

/** Unpacks a piece, never beyond the size that it declares. Throws `file.chunk_invalid`. */
export function decode(data: Buffer, encoding: 'identity' | 'zstd', rawBytes: number): Buffer {
  let raw = data
  if (encoding === 'zstd') {
    try {
      // One output buffer: the library's default would be sixty to concatenate.
      const chunkSize = rawBytes + 128
      raw = zstdDecompressSync(data, { maxOutputLength: Math.max(rawBytes, 1), chunkSize })
    } catch (error) {
      throw invalid(errorCode(error) || 'it cannot be decompressed')
    }
  }
  if (raw.length !== rawBytes) throw invalid(`it holds ${raw.length} bytes instead of ${rawBytes}`)
  return raw
}

/** Frees an applied piece at once: left to the garbage collector, a hundred megabytes would pile up. */
function freeMemory({ buffer }: Buffer): void {
  // Small buffers share their memory with others.
  if (buffer instanceof ArrayBuffer && buffer.byteLength > Buffer.poolSize) buffer.transfer(0)
}

const invalid = (why: string) =>
  new RollcallError('file.chunk_invalid', `A piece of the content is damaged: ${why}. Send everything again.`)
