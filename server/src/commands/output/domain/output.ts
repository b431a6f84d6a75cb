import type { LogType } from '@rollcall/contracts/agent'

/** Output bytes in the order in which they were written; `runs` are lengths of stdout, stderr, stdout, and so on. */
export interface OutputPiece {
  data: Buffer
  runs: number[]
}

/** A piece with the offset of its first byte in the whole output. */
export interface PlacedPiece extends OutputPiece {
  offset: number
}

export interface OutputRange {
  stream: LogType | undefined
  /** About so many bytes of that stream. */
  maxBytes: number
}

const STREAMS: readonly LogType[] = ['stdout', 'stderr']

export interface StreamChunk {
  stream: LogType
  data: Buffer
}

/** Joins chunks into one piece; neighbours of one stream become one run. */
export function joinChunks(chunks: readonly StreamChunk[]): OutputPiece {
  const runs: number[] = []
  for (const { stream, data } of chunks) {
    if (data.length === 0) continue
    // The run at an even place is stdout's: an empty run stands in where the first bytes are stderr's.
    if (runs.length === 0 && stream === 'stderr') runs.push(0)
    const last = runs.length - 1
    if (last >= 0 && STREAMS[last % 2] === stream) runs[last] = (runs[last] ?? 0) + data.length
    else runs.push(data.length)
  }
  const [only] = chunks
  // Most pieces are one chunk, of up to megabytes: not copied.
  const data = only && chunks.length === 1 ? only.data : Buffer.concat(chunks.map((chunk) => chunk.data))
  return { data, runs }
}

/** Splits a piece that starts at `start` into chunks of one stream, from byte `from` on and at most up to byte `to`. */
export function splitPiece(piece: OutputPiece, start: number, from: number, to = Number.POSITIVE_INFINITY) {
  const chunks: (StreamChunk & { offset: number })[] = []
  let offset = start
  for (const [place, length] of piece.runs.entries()) {
    const first = Math.max(offset, from)
    const end = Math.min(offset + length, to)
    const stream = STREAMS[place % 2]
    if (first < end && stream)
      chunks.push({ offset: first, stream, data: piece.data.subarray(first - start, end - start) })
    offset += length
  }
  return chunks
}
