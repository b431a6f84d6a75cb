import { writeSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { RollcallError } from '@rollcall/contracts'
import { type AgentResult, MAX_CHUNK_BYTES } from '@rollcall/contracts/agent'

/** Where the copy of a file lies: its pieces one after the other, and where each of them ends, as numbers of eight bytes. */
export interface PieceFiles {
  pieces: string
  ends: string
}

const END_BYTES = 8

export function appendEnd(fd: number, end: number): void {
  const number = Buffer.alloc(END_BYTES)
  number.writeBigUInt64LE(BigInt(end))
  writeSync(fd, number)
}

/** One piece of a copy of `size` bytes. Throws `file.chunk_invalid` beyond its end. */
export async function readPiece(
  { pieces, ends }: PieceFiles,
  index: number,
  size: number,
): Promise<AgentResult<'read_chunk'>> {
  const raw_bytes = Math.min(MAX_CHUNK_BYTES, size - index * MAX_CHUNK_BYTES)
  if (raw_bytes <= 0) throw invalid(`the copy has no piece ${index}`)
  const from = index === 0 ? 0 : await endOf(ends, index - 1)
  const data = Buffer.alloc((await endOf(ends, index)) - from)
  await using file = await open(pieces)
  await readExactly(file, data, from)
  const encoding = data.length === raw_bytes ? 'identity' : 'zstd'
  return { frame: { encoding, bytes: data.length, raw_bytes }, data: data.toString('base64') }
}

async function endOf(ends: string, index: number): Promise<number> {
  const number = Buffer.alloc(END_BYTES)
  await using file = await open(ends)
  await readExactly(file, number, index * END_BYTES)
  return Number(number.readBigUInt64LE())
}

async function readExactly(file: FileHandle, into: Buffer, at: number): Promise<void> {
  const { bytesRead } = await file.read(into, 0, into.length, at)
  if (bytesRead !== into.length) throw invalid('the copy was cut')
}

const invalid = (why: string) =>
  new RollcallError('file.chunk_invalid', `A piece of the file cannot be read: ${why}. Copy it again.`)
