import { closeSync, fstatSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { zstdDecompressSync } from 'node:zlib'
import { RollcallError } from '@rollcall/contracts'
import { frame, MAX_FRAMES, openEnvelope } from '@rollcall/contracts/agent'
import { z } from 'zod'
import { waitForNews } from '../commands/spool-watch.ts'
import { errorCode } from '../platform/files.ts'
import type { TransferPaths } from './transfer-paths.ts'
import { progressText, readProgress } from './transfer-records.ts'

/** A worker to which nothing comes leaves after this; the next content starts another. */
const IDLE_MS = 60_000
const framesOfChunk = z.array(frame).min(1).max(MAX_FRAMES)

/** Nothing came for a minute: the worker leaves, and the transfer stays as it is. */
export class Idle extends Error {}

/** The content of a transfer as it comes in, in order. `offset` counts bytes before compression. */
export class Content {
  readonly #paths: TransferPaths
  readonly #progress: number
  readonly #reader = new ChunkReader()
  offset: number

  constructor(paths: TransferPaths) {
    this.#paths = paths
    this.#progress = openSync(paths.progress, 'r+')
    this.offset = readProgress(paths)
  }

  /**
   * Hands what comes next to `apply`, piece by piece, and then records that it was applied. A worker that dies in between has
   * `apply` called with the same again.
   */
  async next(apply: (piece: Buffer) => void): Promise<void> {
    const path = this.#paths.chunk(this.offset)
    const chunk = await this.#wait(path)
    let { bytes } = chunk
    let applied = 0
    for (const { encoding, bytes: length, raw_bytes } of chunk.frames) {
      const piece = decode(bytes.subarray(0, length), encoding, raw_bytes)
      bytes = bytes.subarray(length)
      apply(piece)
      applied += piece.length
      if (encoding !== 'identity') letGo(piece)
    }
    if (applied === 0) throw invalid('it holds nothing')
    this.offset += applied
    writeSync(this.#progress, progressText(this.offset), 0)
    rmSync(path, { force: true })
  }

  async #wait(path: string): Promise<Chunk> {
    const never = new AbortController().signal
    const isNews = (name: string) => name.startsWith('chunk.')
    const chunk = await waitForNews(this.#paths.folder, IDLE_MS, never, isNews, () => this.#reader.read(path))
    if (chunk === null) throw new Idle()
    return chunk
  }
}

interface Chunk {
  frames: z.infer<typeof framesOfChunk>
  bytes: Buffer
}

/** Reads chunks one after the other into the same memory: what a chunk holds is valid until the next is read. */
class ChunkReader {
  #buffer = Buffer.alloc(0)

  /** Null where there is no such file. */
  read(path: string): Chunk | null {
    const fd = openIfThere(path)
    if (fd === null) return null
    try {
      const { size } = fstatSync(fd)
      if (size > this.#buffer.length) this.#buffer = Buffer.allocUnsafeSlow(size)
      let at = 0
      for (let read = -1; read !== 0 && at < size; at += read)
        read = readSync(fd, this.#buffer, at, size - at, at)
      return chunkOf(this.#buffer.subarray(0, at))
    } finally {
      closeSync(fd)
    }
  }
}

function openIfThere(path: string): number | null {
  try {
    return openSync(path, 'r')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null
    throw error
  }
}

function chunkOf(envelope: Buffer): Chunk {
  const opened = openEnvelope(envelope)
  if (opened === null) throw invalid('it was cut')
  const frames = framesOfChunk.parse(JSON.parse(Buffer.from(opened.json).toString('utf8')))
  const { bytes } = opened
  return { frames, bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length) }
}

/** A piece says how long it becomes, and no more than that is ever unpacked. */
export function decode(data: Buffer, encoding: 'identity' | 'zstd', rawBytes: number): Buffer {
  let raw = data
  if (encoding === 'zstd') {
    try {
      // In one piece: the library's default would be sixty to put together.
      const chunkSize = rawBytes + 128
      raw = zstdDecompressSync(data, { maxOutputLength: Math.max(rawBytes, 1), chunkSize })
    } catch (error) {
      throw invalid(errorCode(error) || 'it cannot be unpacked')
    }
  }
  if (raw.length !== rawBytes) throw invalid(`it holds ${raw.length} bytes instead of ${rawBytes}`)
  return raw
}

/** Gives back now what was unpacked and is applied: left to the garbage collector it would be a hundred megabytes at a time. */
function letGo({ buffer }: Buffer): void {
  // Small ones share their memory with others.
  if (buffer instanceof ArrayBuffer && buffer.byteLength > Buffer.poolSize) buffer.transfer(0)
}

const invalid = (why: string) =>
  new RollcallError('file.chunk_invalid', `A piece of the content is damaged: ${why}. Send the whole again.`)
