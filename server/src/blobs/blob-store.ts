import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { parseJson, RollcallError } from '@rollcall/contracts'
import { type Frame, frame } from '@rollcall/contracts/agent'
import { z } from 'zod'
import { ifMissing } from '../platform/files/if-missing.ts'
import { mapInOrder } from '../platform/map-in-order.ts'
import { type Blob, encodeFrame, FRAME_BYTES } from './blob.ts'
import { BufferPool } from './buffer-pool.ts'

/** The index at the end of a blob file, followed by its length in four bytes. */
const blobIndex = z.object({ size: z.int().min(0), frames: z.array(frame) })
const TAIL_BYTES = 4
const NAME = /^[0-9a-f]{64}$/
/** The number of frames of one blob that are compressed concurrently. */
const MAX_CONCURRENT_ENCODINGS = 2
const MAX_POOLED_BUFFERS = 8

/** Returns the error for a hash whose content was never uploaded or was evicted. */
export const contentGone = (sha256: string, field: string) =>
  new RollcallError(
    'file.content_gone',
    `The server does not have the content ${sha256}. Upload it first: POST /api/contents`,
    { fields: [{ field, message: 'names content that the server does not have' }] },
  )

export interface StoredBlob {
  sha256: string
  size: number
}

/**
 * Stores content for hosts in the data folder, named by hash, so equal content is stored and compressed once. Each
 * server has its own store; it is bounded in bytes and evicts unused content.
 */
export class BlobStore {
  /** Bytes on disk; null until first counted. */
  private used: number | null = null
  private readonly buffers = new BufferPool(FRAME_BYTES, MAX_POOLED_BUFFERS)

  constructor(
    private readonly folder: string,
    private readonly maxBytes: number,
    /** Advice for when it is full. */
    private readonly remedy = 'Wait until transfers have ended, or raise ROLLCALL_FILES_BYTES.',
  ) {}

  /** Stores content. Throws `server.files_full` if the store would exceed its limit. */
  async add(content: AsyncIterable<Buffer>): Promise<StoredBlob> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 })
    const temporary = join(this.folder, `new-${randomUUID()}`)
    const file = await open(temporary, 'wx', 0o600)
    try {
      const { stored, bytes } = await this.write(file, content)
      await file.datasync()
      await rename(temporary, this.path(stored.sha256))
      this.used = (this.used ?? 0) + bytes
      return stored
    } catch (error) {
      await rm(temporary, { force: true })
      throw error
    } finally {
      await file.close()
    }
  }

  /** Stores a file of this machine. */
  addFile(path: string): Promise<StoredBlob> {
    return this.add(createReadStream(path, { highWaterMark: FRAME_BYTES }))
  }

  /** Opens a blob and marks it as used. Returns null if it is missing or damaged. */
  async find(sha256: string): Promise<Blob | null> {
    const path = this.path(sha256)
    const file = await open(path, 'r').catch(ifMissing(null))
    if (file === null) return null
    const index = await readIndex(file)
    if (index === null) {
      await file.close()
      await rm(path, { force: true })
      return null
    }
    const now = new Date()
    await utimes(path, now, now)
    return openBlob(sha256, index, file)
  }

  /** Returns the hashes that are not stored, with one directory listing. */
  async missing(hashes: Iterable<string>): Promise<string[]> {
    const there = new Set(await this.names())
    return [...new Set(hashes)].filter((hash) => !there.has(hash))
  }

  /** Evicts blobs last used before `before` and not in `inUse`. Returns how many. */
  async evictUnused(before: Date, inUse: ReadonlySet<string>): Promise<number> {
    let removed = 0
    let used = 0
    for (const name of await this.names()) {
      const path = join(this.folder, name)
      const found = await stat(path).catch(() => null) // removed meanwhile
      if (found === null) continue
      if (found.mtime < before && !inUse.has(name)) {
        await rm(path, { force: true })
        removed++
      } else used += found.size
    }
    this.used = used
    return removed
  }

  private path(sha256: string): string {
    if (!NAME.test(sha256))
      throw new RollcallError('server.defect', 'a blob was requested by an invalid hash')
    return join(this.folder, sha256)
  }

  private async names(): Promise<string[]> {
    return readdir(this.folder).catch(ifMissing([]))
  }

  private async write(file: FileHandle, content: AsyncIterable<Buffer>) {
    const hash = createHash('sha256')
    const frames: Frame[] = []
    let size = 0
    let bytes = 0
    const encode = async ({ buffer, length }: FilledBuffer) => {
      const raw = buffer.subarray(0, length)
      hash.update(raw)
      size += length
      return { buffer, ...(await encodeFrame(raw)) }
    }
    for await (const encoded of mapInOrder(
      splitIntoFrames(content, this.buffers),
      MAX_CONCURRENT_ENCODINGS,
      encode,
    )) {
      bytes += encoded.data.length
      await this.requireSpace(bytes)
      await file.writeFile(encoded.data)
      frames.push(encoded.frame)
      this.buffers.release(encoded.buffer)
    }
    const index = Buffer.from(JSON.stringify({ size, frames }))
    const tail = Buffer.alloc(TAIL_BYTES)
    tail.writeUInt32BE(index.length)
    await file.write(Buffer.concat([index, tail]))
    return { stored: { sha256: hash.digest('hex'), size }, bytes: bytes + index.length + TAIL_BYTES }
  }

  private async requireSpace(bytes: number): Promise<void> {
    if (this.used === null) await this.evictUnused(new Date(0), new Set())
    if ((this.used ?? 0) + bytes <= this.maxBytes) return
    throw new RollcallError(
      'server.files_full',
      `The server stores ${this.used} of at most ${this.maxBytes} bytes of files. ${this.remedy}`,
    )
  }
}

function openBlob(sha256: string, index: z.infer<typeof blobIndex>, file: FileHandle): Blob {
  const starts: number[] = []
  let at = 0
  for (const one of index.frames) {
    starts.push(at)
    at += one.bytes
  }
  return {
    sha256,
    size: index.size,
    frames: index.frames,
    read: async (place, into) => {
      const { bytesRead } = await file.read(into, 0, into.length, starts[place] ?? 0)
      if (bytesRead === into.length) return
      throw new RollcallError('server.defect', `the stored content ${sha256} is shorter than its index says`)
    },
    close: () => file.close(),
  }
}

async function readIndex(file: FileHandle): Promise<z.infer<typeof blobIndex> | null> {
  const { size } = await file.stat()
  if (size < TAIL_BYTES) return null
  const tail = Buffer.alloc(TAIL_BYTES)
  await file.read(tail, 0, TAIL_BYTES, size - TAIL_BYTES)
  const length = tail.readUInt32BE()
  if (length + TAIL_BYTES > size) return null
  const text = Buffer.alloc(length)
  await file.read(text, 0, length, size - TAIL_BYTES - length)
  // A power failure may have cut it short.
  return parseJson(blobIndex, text.toString('utf8')) ?? null
}

/** A pooled buffer and the length of its content. */
interface FilledBuffer {
  buffer: Buffer
  length: number
}

async function* splitIntoFrames(
  content: AsyncIterable<Buffer>,
  buffers: BufferPool,
): AsyncGenerator<FilledBuffer> {
  let buffer: Buffer | null = null
  let length = 0
  for await (const part of content) {
    for (let at = 0; at < part.length; ) {
      buffer ??= buffers.acquire()
      const copied = part.copy(buffer, length, at)
      at += copied
      length += copied
      if (length < FRAME_BYTES) continue
      yield { buffer, length }
      buffer = null
      length = 0
    }
  }
  if (buffer !== null) yield { buffer, length }
}
