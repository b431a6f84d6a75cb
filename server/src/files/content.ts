import { RollcallError } from '@rollcall/contracts'
import { type Frame, MAX_CHUNK_BYTES, MOST_FRAMES } from '@rollcall/contracts/agent'
import { type Blob, decodeFrame } from '../platform/blobs/blob.ts'

/** What one request carries: `offset` and lengths before compression. */
export interface Chunk {
  offset: number
  rawBytes: number
  frames: Frame[]
  bytes: Buffer
}

/** Part of a content: opened when its turn comes, so that thousands of small files do not lie open together. */
export interface Part {
  size: number
  open(): Promise<Blob>
}

/** The parts one after the other, from byte `from` on, in chunks of at most a mebibyte. A frame that `from` is in the middle of is cut. */
export async function* chunksOf(parts: readonly Part[], from: number): AsyncGenerator<Chunk> {
  let chunk = emptyChunk(from)
  let partStart = 0
  for (const part of parts) {
    const start = partStart
    partStart += part.size
    if (partStart <= from || part.size === 0) continue
    for await (const { frame, data } of framesOf(part, from - start)) {
      if (chunk.rawBytes + frame.raw_bytes > MAX_CHUNK_BYTES || chunk.frames.length >= MOST_FRAMES) {
        yield sealed(chunk)
        chunk = emptyChunk(chunk.offset + chunk.rawBytes)
      }
      chunk.frames.push(frame)
      chunk.data.push(data)
      chunk.rawBytes += frame.raw_bytes
    }
  }
  if (chunk.rawBytes > 0) yield sealed(chunk)
}

const emptyChunk = (offset: number) => ({ offset, rawBytes: 0, frames: [] as Frame[], data: [] as Buffer[] })
const sealed = ({ offset, rawBytes, frames, data }: ReturnType<typeof emptyChunk>): Chunk => ({
  ...{ offset, rawBytes, frames },
  bytes: Buffer.concat(data),
})

async function* framesOf(part: Part, from: number): AsyncGenerator<{ frame: Frame; data: Buffer }> {
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
      const data = await blob.read(index)
      if (start >= from) yield { frame, data }
      else {
        const rest = (await decodeFrame(data, frame)).subarray(from - start)
        yield { frame: { encoding: 'identity', bytes: rest.length, raw_bytes: rest.length }, data: rest }
      }
    }
  } finally {
    await blob.close()
  }
}
