import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { constants, zstdCompress, zstdDecompress } from 'node:zlib'
import { type Frame, isWorthCompressing, MAX_CHUNK_BYTES } from '@rollcall/contracts/agent'

/** Content in frames that are compressed separately, once for all hosts. */
export interface Blob {
  /** The hash of the whole content, uncompressed. */
  readonly sha256: string
  readonly size: number
  readonly frames: readonly Frame[]
  /** Reads a compressed frame into `into`, which must have the frame's `bytes`. */
  read(index: number, into: Buffer): Promise<void>
  close(): Promise<void>
}

/** The uncompressed size of one frame. */
export const FRAME_BYTES = MAX_CHUNK_BYTES
const LEVEL = { [constants.ZSTD_c_compressionLevel]: 3 }

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)

export async function encodeFrame(raw: Buffer): Promise<{ frame: Frame; data: Buffer }> {
  const small = await compress(raw, {
    params: LEVEL,
    chunkSize: toMaxOutputBytes(raw.length),
    pledgedSrcSize: raw.length,
  })
  const isWorthIt = isWorthCompressing(raw.length, small.length)
  const data = isWorthIt ? small : raw
  const encoding = isWorthIt ? 'zstd' : 'identity'
  return { frame: { encoding, bytes: data.length, raw_bytes: raw.length }, data }
}

export async function decodeFrame(data: Buffer, frame: Frame): Promise<Buffer> {
  return frame.encoding === 'identity'
    ? data
    : decompress(data, {
        maxOutputLength: Math.max(frame.raw_bytes, 1),
        chunkSize: toMaxOutputBytes(frame.raw_bytes),
      })
}

/** The output size to request from the library, so that it returns one buffer; zstd's bound for compressed content. */
const toMaxOutputBytes = (rawBytes: number): number => rawBytes + (rawBytes >> 8) + 128

/** Reads the uncompressed content, frame by frame. */
export async function* readFrames(blob: Blob): AsyncGenerator<Buffer> {
  for (const [index, frame] of blob.frames.entries()) yield readFrame(blob, index, frame)
}

/** Reads one frame, uncompressed. */
export async function readFrame(blob: Blob, index: number, frame: Frame): Promise<Buffer> {
  const data = Buffer.allocUnsafe(frame.bytes)
  await blob.read(index, data)
  return decodeFrame(data, frame)
}

/** Reads the whole uncompressed content, which must be small. */
export async function readWhole(blob: Blob): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of readFrames(blob)) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** Creates a blob in memory, for small content that every host gets. */
export async function memoryBlob(content: Buffer): Promise<Blob> {
  const pieces: Awaited<ReturnType<typeof encodeFrame>>[] = []
  for (let at = 0; at < content.length; at += FRAME_BYTES)
    pieces.push(await encodeFrame(content.subarray(at, at + FRAME_BYTES)))
  return {
    sha256: createHash('sha256').update(content).digest('hex'),
    size: content.length,
    frames: pieces.map(({ frame }) => frame),
    read: async (index, into) => void pieces[index]?.data.copy(into),
    close: async () => undefined,
  }
}
