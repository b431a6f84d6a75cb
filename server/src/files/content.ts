import { RollcallError } from '@rollcall/contracts'
import { type Frame, MAX_CHUNK_BYTES, MAX_FRAMES } from '@rollcall/contracts/agent'
import { type Blob, type BufferPool, readFrame } from '../blobs/index.ts'

/** The size of a chunk's content, which leaves room for frame headers in a request of 2 MiB. */
export const CHUNK_BUFFER_BYTES = 2 * MAX_CHUNK_BYTES - 256 * 1024
/** The uncompressed chunk size for fast hosts, which halves the fixed cost of requests. */
export const LARGE_CHUNK_BYTES = 2 * MAX_CHUNK_BYTES

/** The content of one request; `offset` and lengths are uncompressed. */
export interface Chunk {
  offset: number
  rawBytes: number
  frames: Frame[]
  /** A pooled buffer, released after use. */
  buffer: Buffer
  /** The part of the buffer to send. */
  bytes: Buffer
}

/** A part of the content, opened when it is needed, so that thousands of small files are not open at once. */
export interface Part {
  size: number
  open(): Promise<Blob>
}

/**
 * Yields the parts in order from byte `from`, in chunks of at most `largest` uncompressed bytes. `largest` is called
 * for each chunk and must be at least one frame; a frame around `from` is cut.
 */
export async function* toChunks(
  parts: readonly Part[],
  from: number,
  buffers: BufferPool,
  largest: () => number,
): AsyncGenerator<Chunk> {
  let chunk = new ChunkBuilder(from, buffers.acquire())
  let partStart = 0
  for (const part of parts) {
    const start = partStart
    partStart += part.size
    if (partStart <= from || part.size === 0) continue
    for await (const { frame, read } of toFrames(part, from - start)) {
      if (!chunk.hasRoom(frame, largest())) {
        yield chunk.build()
        chunk = new ChunkBuilder(chunk.end, buffers.acquire())
      }
      await read(chunk.add(frame))
    }
  }
  if (chunk.isEmpty) buffers.release(chunk.buffer)
  else yield chunk.build()
}

class ChunkBuilder {
  readonly frames: Frame[] = []
  private rawBytes = 0
  private bytes = 0

  constructor(
    private readonly offset: number,
    readonly buffer: Buffer,
  ) {}

  get end(): number {
    return this.offset + this.rawBytes
  }

  get isEmpty(): boolean {
    return this.frames.length === 0
  }

  hasRoom(frame: Frame, largest: number): boolean {
    const isSmall = this.rawBytes + frame.raw_bytes <= largest
    return isSmall && this.bytes + frame.bytes <= this.buffer.length && this.frames.length < MAX_FRAMES
  }

  /** Reserves and returns the space for a frame. */
  add(frame: Frame): Buffer {
    const place = this.buffer.subarray(this.bytes, this.bytes + frame.bytes)
    this.frames.push(frame)
    this.bytes += frame.bytes
    this.rawBytes += frame.raw_bytes
    return place
  }

  build(): Chunk {
    const { offset, rawBytes, frames, buffer } = this
    return { offset, rawBytes, frames, buffer, bytes: buffer.subarray(0, this.bytes) }
  }
}

interface Sendable {
  frame: Frame
  /** Fills a buffer of the frame's length. */
  read(into: Buffer): Promise<void>
}

async function* toFrames(part: Part, from: number): AsyncGenerator<Sendable> {
  const blob = await part.open()
  try {
    if (blob.size !== part.size)
      throw new RollcallError(
        'server.defect',
        `the stored content ${blob.sha256} does not have its recorded size`,
      )
    let at = 0
    for (const [index, frame] of blob.frames.entries()) {
      const start = at
      at += frame.raw_bytes
      if (at <= from) continue
      if (start >= from) yield { frame, read: (into) => blob.read(index, into) }
      else yield await toRest(blob, index, frame, from - start)
    }
  } finally {
    await blob.close()
  }
}

/** Returns the rest of a frame after its first bytes. */
async function toRest(blob: Blob, index: number, frame: Frame, first: number): Promise<Sendable> {
  const rest = (await readFrame(blob, index, frame)).subarray(first)
  const whole: Frame = { encoding: 'identity', bytes: rest.length, raw_bytes: rest.length }
  return { frame: whole, read: async (into) => void rest.copy(into) }
}
