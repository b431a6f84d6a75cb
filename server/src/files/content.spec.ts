import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { type Blob, BufferPool, decodeFrame, memoryBlob } from '../blobs/index.ts'
import { CHUNK_BUFFER_BYTES, toChunks } from './content.ts'

const CONTENTS = [
  randomBytes(1_500_000),
  Buffer.alloc(0),
  Buffer.from('small'),
  Buffer.alloc(2_000_000, 'x'),
  randomBytes(10),
]
const WHOLE = Buffer.concat(CONTENTS)

const parts = async () => {
  const blobs: Blob[] = await Promise.all(CONTENTS.map((content) => memoryBlob(content)))
  return blobs.map((blob) => ({ size: blob.size, open: async () => blob }))
}

it.each([0, 1, 1_048_576, 1_499_999, 1_500_000, 1_500_003, 3_499_999, WHOLE.length])(
  'what is sent from byte %i on is what was missing, in order and in chunks that the contract takes',
  async (from) => {
    const pieces: Buffer[] = []
    let at = from
    let largest = 1_048_576
    const buffers = new BufferPool(CHUNK_BUFFER_BYTES, 2)
    for await (const chunk of toChunks(await parts(), from, buffers, () => largest)) {
      expect(chunk.offset).toBe(at)
      expect(chunk.rawBytes).toBeLessThanOrEqual(largest)
      expect(chunk.bytes.length).toBeLessThanOrEqual(CHUNK_BUFFER_BYTES)
      largest = 3_145_728 - largest
      expect(chunk.frames.reduce((sum, frame) => sum + frame.bytes, 0)).toBe(chunk.bytes.length)
      let bytes = chunk.bytes
      for (const frame of chunk.frames) {
        pieces.push(Buffer.from(await decodeFrame(bytes.subarray(0, frame.bytes), frame)))
        bytes = bytes.subarray(frame.bytes)
      }
      at += chunk.rawBytes
      buffers.release(chunk.buffer)
    }
    expect(Buffer.concat(pieces).equals(WHOLE.subarray(from))).toBe(true)
  },
)
