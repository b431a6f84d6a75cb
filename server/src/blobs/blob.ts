import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { constants, zstdCompress, zstdDecompress } from 'node:zlib'
import { type Frame, isWorthCompressing, MAX_CHUNK_BYTES } from '@rollcall/contracts/agent'

/** Content in pieces that were compressed one by one, once for all hosts. */
export interface Blob {
  /** Of the whole, before compression. */
  readonly sha256: string
  readonly size: number
  readonly frames: readonly Frame[]
  /** Fills `into`, which is as long as that frame's `bytes`, with the frame as it is sent. */
  read(index: number, into: Buffer): Promise<void>
  close(): Promise<void>
}

/** Bytes of one frame before compression. */
export const FRAME_BYTES = MAX_CHUNK_BYTES
const LEVEL = { [constants.ZSTD_c_compressionLevel]: 3 }

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)

export async function encodeFrame(raw: Buffer): Promise<{ frame: Frame; data: Buffer }> {
  const small = await compress(raw, {
    params: LEVEL,
    chunkSize: inOnePiece(raw.length),
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
        chunkSize: inOnePiece(frame.raw_bytes),
      })
}

/** What comes out of the library in one piece, where its default would be sixty to put together: of zstd's bound on what content becomes. */
const inOnePiece = (rawBytes: number): number => rawBytes + (rawBytes >> 8) + 128

/** All of it, piece by piece. */
export async function* readPieces(blob: Blob): AsyncGenerator<Buffer> {
  for (const [index, frame] of blob.frames.entries()) yield readPiece(blob, index, frame)
}

/** What one of its frames holds, before compression. */
export async function readPiece(blob: Blob, index: number, frame: Frame): Promise<Buffer> {
  const data = Buffer.allocUnsafe(frame.bytes)
  await blob.read(index, data)
  return decodeFrame(data, frame)
}

/** All of it, for what is known to be small. */
export async function readWhole(blob: Blob): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of readPieces(blob)) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** A blob that is held in memory: for content that is small and that every host gets. */
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
