import type { LogType } from '@rollcall/contracts/agent'

/**
 * Size of a segment. A command's log holds stdout and stderr in read order, in segments `log.N`, so that offset → file is arithmetic
 * and stored segments can be unlinked. `index.N` has one 16-byte entry per run of bytes of one stream, the first at the first byte of
 * its segment, so every pair of files can be read alone.
 */
export const SEGMENT_BYTES = 8 * 1024 * 1024
export const ENTRY_BYTES = 16

export interface RunEntry {
  /** Offset of the run's first byte in the whole log. */
  start: number
  type: LogType
  /** When it was read, milliseconds since 1970. */
  atMs: number
}

/** Encodes an entry: u64 start (big endian), u8 stream, 7 bytes of milliseconds. */
export function writeEntry(buffer: Buffer, position: number, entry: RunEntry): void {
  buffer.writeBigUInt64BE(BigInt(entry.start), position)
  buffer[position + 8] = entry.type === 'stderr' ? 2 : 1
  buffer[position + 9] = 0
  buffer.writeUIntBE(entry.atMs, position + 10, 6)
}

export function readEntry(buffer: Buffer, position: number): RunEntry {
  return {
    start: Number(buffer.readBigUInt64BE(position)),
    type: buffer[position + 8] === 2 ? 'stderr' : 'stdout',
    atMs: buffer.readUIntBE(position + 10, 6),
  }
}

export const toSegment = (offset: number): number => Math.floor(offset / SEGMENT_BYTES)
export const segmentStart = (segment: number): number => segment * SEGMENT_BYTES
