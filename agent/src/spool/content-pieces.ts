import { writeSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { RollcallError } from '@rollcall/contracts'
import { type AgentResult, MAX_CHUNK_BYTES } from '@rollcall/contracts/agent'

/** Files of a copy: its consecutive pieces, and the end of each as a number of eight bytes. */
export interface PiecePaths {
  pieces: string
  ends: string
}

const END_BYTES = 8

/** Appends the end of a piece. */
export function appendEnd(fd: number, end: number): void {
  const number = Buffer.alloc(END_BYTES)
  number.writeBigUInt64LE(BigInt(end))
  writeSync(fd, number)
}

/** Reads a piece of a copy of `size` bytes. Throws `file.chunk_invalid` beyond its end. */
export async function readPiece(
  { pieces, ends }: PiecePaths,
  index: number,
  size: number,
): Promise<AgentResult<'read_chunk'>> {
  const raw_bytes = Math.min(MAX_CHUNK_BYTES, size - index * MAX_CHUNK_BYTES)
  if (raw_bytes <= 0) throw invalid(`the copy has no piece ${index}`)
  const [from, to] = await readBounds(ends, index)
  const data = Buffer.alloc(to - from)
  await using file = await open(pieces)
  await readExactly(file, data, from)
  const encoding = data.length === raw_bytes ? 'identity' : 'zstd'
  return { frame: { encoding, bytes: data.length, raw_bytes }, data: data.toString('base64') }
}

/** Returns the first byte of a piece, and the byte after its last. */
async function readBounds(ends: string, index: number): Promise<[number, number]> {
  const numbers = Buffer.alloc(2 * END_BYTES)
  await using file = await open(ends)
  const known = index === 0 ? numbers.subarray(END_BYTES) : numbers
  await readExactly(file, known, Math.max(0, index - 1) * END_BYTES)
  return [Number(numbers.readBigUInt64LE()), Number(numbers.readBigUInt64LE(END_BYTES))]
}

async function readExactly(file: FileHandle, into: Buffer, at: number): Promise<void> {
  const { bytesRead } = await file.read(into, 0, into.length, at)
  if (bytesRead !== into.length) throw invalid('the copy is truncated')
}

const invalid = (why: string) =>
  new RollcallError('file.chunk_invalid', `A piece of the file cannot be read: ${why}. Copy it again.`)
