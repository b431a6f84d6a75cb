import { RollcallError } from '@rollcall/contracts'
import { type Frame, MAX_CHUNK_BYTES, MAX_FRAMES } from '@rollcall/contracts/agent'
import { type Blob, type BufferPool, readFrame } from '../blobs/index.ts'

/** Of a request, which may have two mebibytes: the rest is for what is said of its frames. */
export const CHUNK_BUFFER_BYTES = 2 * MAX_CHUNK_BYTES - 256 * 1024
/** Before compression, where a host takes content quickly. Half of what a request costs is the same for a small one. */
export const LARGE_CHUNK_BYTES = 2 * MAX_CHUNK_BYTES

/** What one request carries: `offset` and lengths before compression. */
export interface Chunk {
  offset: number
  rawBytes: number
  frames: Frame[]
  /** Of the pool, to which it is given back when nobody reads it any more. */
  buffer: Buffer
  /** The part of the buffer that is to be sent. */
  bytes: Buffer
}

/** Part of a content: opened when its turn comes, so that thousands of small files do not lie open together. */
export interface Part {
  size: number
  open(): Promise<Blob>
}

/**
 * The parts one after the other, from byte `from` on, in chunks of at most `largest` bytes before compression, which is asked each time
 * and is never less than a frame has. A frame that `from` is in the middle of is cut. The buffers of the pool have `CHUNK_BUFFER_BYTES`.
 */
export async function* toChunks(
  parts: readonly Part[],
  from: number,
  buffers: BufferPool,
  largest: () => number,
): AsyncGenerator<Chunk> {
  let chunk = new Filling(from, buffers.acquire())
  let partStart = 0
  for (const part of parts) {
    const start = partStart
    partStart += part.size
    if (partStart <= from || part.size === 0) continue
    for await (const { frame, read } of toFrames(part, from - start)) {
      if (!chunk.hasRoom(frame, largest())) {
        yield chunk.sealed()
        chunk = new Filling(chunk.end, buffers.acquire())
      }
      await read(chunk.add(frame))
    }
  }
  if (chunk.isEmpty) buffers.release(chunk.buffer)
  else yield chunk.sealed()
}

class Filling {
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

  /** Where its bytes belong. */
  add(frame: Frame): Buffer {
    const place = this.buffer.subarray(this.bytes, this.bytes + frame.bytes)
    this.frames.push(frame)
    this.bytes += frame.bytes
    this.rawBytes += frame.raw_bytes
    return place
  }

  sealed(): Chunk {
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
        `the stored content ${blob.sha256} has another size than was noted`,
      )
    let at = 0
    for (const [index, frame] of blob.frames.entries()) {
      const start = at
      at += frame.raw_bytes
      if (at <= from) continue
      if (start >= from) yield { frame, read: (into) => blob.read(index, into) }
      else yield await restOf(blob, index, frame, from - start)
    }
  } finally {
    await blob.close()
  }
}

/** What follows the first bytes of a frame. */
async function restOf(blob: Blob, index: number, frame: Frame, first: number): Promise<Sendable> {
  const rest = (await readFrame(blob, index, frame)).subarray(first)
  const whole: Frame = { encoding: 'identity', bytes: rest.length, raw_bytes: rest.length }
  return { frame: whole, read: async (into) => void rest.copy(into) }
}
