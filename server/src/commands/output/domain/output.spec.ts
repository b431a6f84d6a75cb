import { describe, expect, it } from 'vitest'
import { joinChunks, type StreamChunk, splitPiece } from './output.ts'

const chunk = (stream: 'stdout' | 'stderr', text: string): StreamChunk => ({
  stream,
  data: Buffer.from(text),
})
const read = (chunks: { stream: string; offset: number; data: Buffer }[]) =>
  chunks.map(({ stream, offset, data }) => [stream, offset, data.toString()])

describe('joinChunks and splitPiece', () => {
  it('give back what was put in, in order and with its stream', () => {
    const piece = joinChunks([
      chunk('stderr', 'e1'),
      chunk('stdout', 'o1'),
      chunk('stdout', 'o2'),
      chunk('stderr', 'e2'),
    ])
    expect(piece.runs).toEqual([0, 2, 4, 2])
    expect(read(splitPiece(piece, 100, 100))).toEqual([
      ['stderr', 100, 'e1'],
      ['stdout', 102, 'o1o2'],
      ['stderr', 106, 'e2'],
    ])
  })

  it('count no empty chunk as a change of stream', () => {
    expect(joinChunks([chunk('stdout', 'a'), chunk('stderr', ''), chunk('stdout', 'b')]).runs).toEqual([2])
    expect(joinChunks([]).runs).toEqual([])
  })

  it('neither lose nor double a byte wherever a reader enters and stops', () => {
    const chunks = Array.from({ length: 12 }, (_, i) =>
      chunk(i % 3 === 0 ? 'stderr' : 'stdout', 'x'.repeat(i % 4) + String.fromCharCode(97 + i)),
    )
    const piece = joinChunks(chunks)
    for (let from = 0; from <= piece.data.length; from++)
      for (let to = from; to <= piece.data.length; to++) {
        const parts = splitPiece(piece, 1000, 1000 + from, 1000 + to)
        expect(Buffer.concat(parts.map((part) => part.data))).toEqual(piece.data.subarray(from, to))
        let offset = 1000 + from
        for (const part of parts) {
          expect(part.offset).toBe(offset)
          offset += part.data.length
        }
      }
  })
})
