import { pipeline, Readable } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import type { Compression } from './domain/manifest.ts'

/** Larger than zlib's own pieces, since each costs a turn of the event loop. */
const PIECE_BYTES = 256 * 1024
const UNPACKERS = { gzip: createGunzip, zstd: createZstdDecompress }

/** Unpacks content as it comes. Whoever reads it gets the error of damaged content, which `isDamage` recognises, and of the source. */
export function unpack(
  source: AsyncIterable<Buffer>,
  compression: Exclude<Compression, 'none'>,
): AsyncIterable<Buffer> {
  const unpacker = UNPACKERS[compression]({ chunkSize: PIECE_BYTES })
  pipeline(Readable.from(source, { objectMode: false }), unpacker, () => undefined)
  return unpacker
}

/** Returns whether zlib or zstd found fault with its input. */
export const isDamage = (error: unknown): boolean =>
  /^(?:Z_|ZSTD_|ERR_ZSTD)/.test(String((error as NodeJS.ErrnoException).code))
