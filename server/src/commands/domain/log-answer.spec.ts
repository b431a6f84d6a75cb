import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { splitPiece } from '../output/domain/output.ts'
import { type LogAnswer, pauseBeforeNext, toEnding, toPiece } from './log-answer.ts'

const chunk = fc.record({
  stream: fc.constantFrom('stdout', 'stderr'),
  bytes: fc.uint8Array({ maxLength: 20 }),
})

function toAnswer(chunks: { stream: 'stdout' | 'stderr'; bytes: Uint8Array }[], new_offset: number) {
  const [first, ...further] = chunks.map(({ stream, bytes }) => ({
    log_type: stream,
    log_data: Buffer.from(bytes).toString('base64'),
  }))
  return { ...first, further, new_offset, is_final: false } as unknown as LogAnswer
}

describe('decoding an answer with output', () => {
  it('every byte of an answer is decoded in order, each with its stream', () => {
    fc.assert(
      fc.property(fc.array(chunk, { minLength: 1, maxLength: 8 }), fc.nat(1000), (chunks, offset) => {
        const size = chunks.reduce((sum, { bytes }) => sum + bytes.length, 0)
        const piece = toPiece(toAnswer(chunks, offset + size), offset)
        const toBytes = (stream: string, from: readonly { stream: string; data: Uint8Array }[]) =>
          Buffer.concat(from.filter((one) => one.stream === stream).map(({ data }) => data))
        const sent = chunks.map(({ stream, bytes }) => ({ stream, data: bytes }))
        expect(piece.data).toEqual(Buffer.concat(chunks.map(({ bytes }) => bytes)))
        for (const stream of ['stdout', 'stderr'])
          expect(toBytes(stream, splitPiece(piece, 0, 0))).toEqual(toBytes(stream, sent))
      }),
    )
  })

  it('an answer is refused whose count of bytes is not that of its bytes', () => {
    fc.assert(
      fc.property(fc.array(chunk, { minLength: 1, maxLength: 4 }), fc.integer(), (chunks, counted) => {
        const size = chunks.reduce((sum, { bytes }) => sum + bytes.length, 0)
        fc.pre(counted !== size)
        expect(() => toPiece(toAnswer(chunks, counted), 0)).toThrow('output but counted')
      }),
    )
  })
})

describe('the pause before the next question for output', () => {
  it('there is no pause while output comes and is stored', () => {
    expect(pauseBeforeNext({ emptyAnswers: 0, isCutting: false })).toBe(0)
  })

  it('a pause comes after three empty answers in a row, and while output is cut', () => {
    expect(pauseBeforeNext({ emptyAnswers: 3, isCutting: false })).toBe(0)
    expect(pauseBeforeNext({ emptyAnswers: 4, isCutting: false })).toBeGreaterThan(0)
    expect(pauseBeforeNext({ emptyAnswers: 0, isCutting: true })).toBeGreaterThan(0)
  })
})

describe('how an agent says that a command ended', () => {
  const result = {
    status: 'failed',
    success: false,
    stdout: 0,
    stderr: 0,
    return_code: 3,
    signal: null,
    reason: null,
    message: null,
    dropped: 7,
    started_at_ms: 1000,
    ended_at_ms: 1500,
  } as const

  it("an agent's result becomes the ending of the command, with the time that it ran by the clock of its host", () => {
    expect(toEnding(result)).toMatchObject({ state: 'failed', exitCode: 3, droppedBytes: 7, durationMs: 500 })
  })

  it('a duration is never negative, and there is none where the command never started', () => {
    expect(toEnding({ ...result, ended_at_ms: 1 }).durationMs).toBe(0)
    expect(toEnding({ ...result, started_at_ms: null }).durationMs).toBeNull()
  })
})
