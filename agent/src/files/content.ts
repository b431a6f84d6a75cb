import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { zstdDecompressSync } from 'node:zlib'
import { RollcallError } from '@rollcall/contracts'
import { frame, MOST_FRAMES, openEnvelope } from '@rollcall/contracts/agent'
import { z } from 'zod'
import { waitForNews } from '../commands/spool-watch.ts'
import { errorCode } from '../platform/files.ts'
import type { TransferPaths } from './transfer-paths.ts'
import { progressText, readProgress } from './transfer-records.ts'

/** A worker to which nothing comes leaves after this; the next content starts another. */
const IDLE_MS = 60_000
const framesOfChunk = z.array(frame).min(1).max(MOST_FRAMES)

/** Nothing came for a minute: the worker leaves, and the transfer stays as it is. */
export class Idle extends Error {}

/** The content of a transfer as it comes in, in order. `offset` counts bytes before compression. */
export class Content {
  readonly #paths: TransferPaths
  offset: number

  constructor(paths: TransferPaths) {
    this.#paths = paths
    this.offset = readProgress(paths)
  }

  /**
   * Hands what comes next to `apply`, piece by piece, and then records that it was applied. A worker that dies in between has
   * `apply` called with the same again.
   */
  async next(apply: (piece: Buffer) => void): Promise<void> {
    const path = this.#paths.chunk(this.offset)
    const chunk = readChunk(path) ?? (await this.#wait(path))
    let { bytes } = chunk
    let applied = 0
    for (const { encoding, bytes: length, raw_bytes } of chunk.frames) {
      const piece = decode(bytes.subarray(0, length), encoding, raw_bytes)
      bytes = bytes.subarray(length)
      apply(piece)
      applied += piece.length
    }
    if (applied === 0) throw invalid('it holds nothing')
    this.offset += applied
    writeFileSync(this.#paths.progress, progressText(this.offset), { flag: 'r+' })
    rmSync(path, { force: true })
  }

  async #wait(path: string): Promise<Chunk> {
    const never = new AbortController().signal
    const isNews = (name: string) => name.startsWith('chunk.')
    const chunk = await waitForNews(this.#paths.folder, IDLE_MS, never, isNews, () => readChunk(path))
    if (chunk === null) throw new Idle()
    return chunk
  }
}

interface Chunk {
  frames: z.infer<typeof framesOfChunk>
  bytes: Buffer
}

function readChunk(path: string): Chunk | null {
  let envelope: Buffer
  try {
    envelope = readFileSync(path)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null
    throw error
  }
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
      raw = zstdDecompressSync(data, { maxOutputLength: Math.max(rawBytes, 1) })
    } catch (error) {
      throw invalid(errorCode(error) || 'it cannot be unpacked')
    }
  }
  if (raw.length !== rawBytes) throw invalid(`it holds ${raw.length} bytes instead of ${rawBytes}`)
  return raw
}

const invalid = (why: string) =>
  new RollcallError('file.chunk_invalid', `A piece of the content is damaged: ${why}. Send the whole again.`)
