import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { RollcallError } from '@rollcall/contracts'
import { type Frame, frame } from '@rollcall/contracts/agent'
import { z } from 'zod'
import { type Blob, encodeFrame, FRAME_BYTES } from './blob.ts'
import { BufferPool } from './buffer-pool.ts'

/** At the end of a blob's file: what its frames are, and behind it, in four bytes, how long that is. */
const indexOf = z.object({ size: z.int().min(0), frames: z.array(frame) })
const TAIL_BYTES = 4
const NAME = /^[0-9a-f]{64}$/
/** Frames of one content that are compressed at once. */
const ENCODED_AT_ONCE = 2
const BUFFERS_KEPT = 8

/** For what names content by a hash, in a field of a request, that was never handed over or is not kept any more. */
export const contentGone = (sha256: string, field: string) =>
  new RollcallError(
    'file.content_gone',
    `The server does not have the content ${sha256}. Send it first, by POST /api/contents.`,
    { fields: [{ field, message: 'names content that the server does not have' }] },
  )

export interface Stored {
  sha256: string
  size: number
}

/**
 * What goes to hosts, in files of the data folder that are named by their content: the same content is kept, and compressed, once. Of this
 * server alone. Bounded in bytes; what nobody used for a while is removed.
 */
export class BlobStore {
  /** Bytes on the disk, as far as known. */
  private used: number | null = null
  private readonly buffers = new BufferPool(FRAME_BYTES, BUFFERS_KEPT)

  constructor(
    private readonly folder: string,
    private readonly maxBytes: number,
  ) {}

  /** Takes content in. Throws `server.files_full` when the store would become too large. */
  async add(content: AsyncIterable<Buffer>): Promise<Stored> {
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

  /** Takes a file of this machine in. */
  addFile(path: string): Promise<Stored> {
    return this.add(createReadStream(path, { highWaterMark: FRAME_BYTES }))
  }

  /** Null when it is not there, or damaged, which is the same. What was asked for counts as used. */
  async find(sha256: string): Promise<Blob | null> {
    const path = this.path(sha256)
    const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null
      throw error
    })
    if (file === null) return null
    const index = await readIndex(file)
    if (index === null) {
      await file.close()
      await rm(path, { force: true })
      return null
    }
    const now = new Date()
    await utimes(path, now, now)
    return storedBlob(sha256, index, file)
  }

  /** Those of these hashes that are not there. One look at the folder, however many are asked about. */
  async missing(hashes: Iterable<string>): Promise<string[]> {
    const there = new Set(await this.names())
    return [...new Set(hashes)].filter((hash) => !there.has(hash))
  }

  /** Removes what was last used before `before` and is not in `inUse`. */
  async collect(before: Date, inUse: ReadonlySet<string>): Promise<number> {
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
      throw new RollcallError('server.defect', 'a blob was asked for by something that is no hash')
    return join(this.folder, sha256)
  }

  private async names(): Promise<string[]> {
    return readdir(this.folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return []
      throw error
    })
  }

  private async write(file: FileHandle, content: AsyncIterable<Buffer>) {
    const hash = createHash('sha256')
    const frames: Frame[] = []
    let size = 0
    let bytes = 0
    const encode = async ({ buffer, length }: Filled) => {
      const raw = buffer.subarray(0, length)
      hash.update(raw)
      size += length
      return { buffer, ...(await encodeFrame(raw)) }
    }
    for await (const encoded of workAhead(inFrames(content, this.buffers), ENCODED_AT_ONCE, encode)) {
      bytes += encoded.data.length
      await this.needRoom(bytes)
      await file.writeFile(encoded.data)
      frames.push(encoded.frame)
      this.buffers.give(encoded.buffer)
    }
    const index = Buffer.from(JSON.stringify({ size, frames }))
    const tail = Buffer.alloc(TAIL_BYTES)
    tail.writeUInt32BE(index.length)
    await file.write(Buffer.concat([index, tail]))
    return { stored: { sha256: hash.digest('hex'), size }, bytes: bytes + index.length + TAIL_BYTES }
  }

  private async needRoom(bytes: number): Promise<void> {
    if (this.used === null) await this.collect(new Date(0), new Set())
    if ((this.used ?? 0) + bytes <= this.maxBytes) return
    throw new RollcallError(
      'server.files_full',
      `The server keeps ${this.used} bytes of files, and may keep ${this.maxBytes}. Wait until transfers have ended, or raise ROLLCALL_FILES_BYTES.`,
    )
  }
}

function storedBlob(sha256: string, index: z.infer<typeof indexOf>, file: FileHandle): Blob {
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
      throw new RollcallError('server.defect', `the stored content ${sha256} is shorter than it says`)
    },
    close: () => file.close(),
  }
}

async function readIndex(file: FileHandle): Promise<z.infer<typeof indexOf> | null> {
  const { size } = await file.stat()
  if (size < TAIL_BYTES) return null
  const tail = Buffer.alloc(TAIL_BYTES)
  await file.read(tail, 0, TAIL_BYTES, size - TAIL_BYTES)
  const length = tail.readUInt32BE()
  if (length + TAIL_BYTES > size) return null
  const text = Buffer.alloc(length)
  await file.read(text, 0, length, size - TAIL_BYTES - length)
  try {
    return indexOf.parse(JSON.parse(text.toString('utf8')))
  } catch {
    return null // a server that lost its power in the middle left it so
  }
}

/** A buffer of the pool, and how much of it is content. */
interface Filled {
  buffer: Buffer
  length: number
}

async function* inFrames(content: AsyncIterable<Buffer>, buffers: BufferPool): AsyncGenerator<Filled> {
  let buffer: Buffer | null = null
  let length = 0
  for await (const part of content) {
    for (let at = 0; at < part.length; ) {
      buffer ??= buffers.take()
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

/** What `work` makes of each, in order, where it is begun with some of those that follow before the first is ready. */
async function* workAhead<T, R>(
  source: AsyncIterable<T>,
  atOnce: number,
  work: (one: T) => Promise<R>,
): AsyncGenerator<R> {
  const begun: Promise<R>[] = []
  for await (const one of source) {
    const working = work(one)
    working.catch(() => undefined) // told to who waits for it
    begun.push(working)
    if (begun.length >= atOnce) yield (await begun.shift()) as R
  }
  for (const working of begun) yield await working
}
