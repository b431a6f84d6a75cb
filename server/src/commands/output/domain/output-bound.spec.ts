import { describe, expect, it } from 'vitest'
import { joinChunks } from './output.ts'
import { boundPiece, closingPiece, type OutputState, takenBytes } from './output-bound.ts'

const EMPTY: OutputState = { storedBytes: 0, markBytes: 0, cutBytes: 0, isCut: false }
const piece = (text: string) => joinChunks([{ stream: 'stdout', data: Buffer.from(text) }])
const room = (perCommand: number, left = 1e9) => ({ perCommand, total: 1e9, left })

describe('output that is bounded', () => {
  it('output is stored as it came while there is room, without a copy', () => {
    const whole = piece('hello')
    const { piece: stored, next } = boundPiece(EMPTY, whole, room(5))
    expect(stored).toBe(whole)
    expect(next).toEqual({ storedBytes: 5, markBytes: 0, cutBytes: 0, isCut: false })
  })

  it('output is cut at the bound, with a mark that says which one and how much it is', () => {
    const { piece: stored, next } = boundPiece(EMPTY, piece('hello'), room(2))
    expect(stored.data.toString()).toBe(
      'he\r\n[rollcall] output is cut here: this server stores 2 bytes of a command at most (ROLLCALL_OUTPUT_BYTES)\r\n',
    )
    expect(stored.runs).toEqual([2, stored.data.length - 2])
    expect(next).toMatchObject({ cutBytes: 3, isCut: true })
    expect(takenBytes(next)).toBe(5)
  })

  it('cut output is marked once, however much follows, and closed with the number of missing bytes', () => {
    let state = boundPiece(EMPTY, piece('hello'), room(2)).next
    for (let i = 0; i < 3; i++) {
      const again = boundPiece(state, piece('more'), room(2))
      expect(again.piece.data).toHaveLength(0)
      state = again.next
    }
    const closing = closingPiece(state)
    expect(closing?.piece.data.toString()).toBe(
      '\r\n[rollcall] the output ends here; 15 bytes of it were cut\r\n',
    )
    expect(closingPiece(closing?.next ?? state)).toBeNull()
    expect(closingPiece(EMPTY)).toBeNull()
  })

  it('output continues with a mark where all commands together have room again', () => {
    const cut = boundPiece(EMPTY, piece('hello'), room(100, 0))
    expect(cut.piece.data.toString()).toContain('ROLLCALL_OUTPUT_TOTAL_BYTES')
    const again = boundPiece(cut.next, piece('world'), room(100, 50))
    expect(again.piece.data.toString()).toBe(
      '\r\n[rollcall] output goes on here; 5 bytes were cut so far\r\nworld',
    )
    expect(again.next.isCut).toBe(false)
  })

  it('no more of a command is stored than its bound and a few marks, and every byte is counted', () => {
    let seed = 7
    const random = (below: number) => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
      return seed % below
    }
    for (let run = 0; run < 200; run++) {
      let state = EMPTY
      let written = 0
      let stored = 0
      for (let i = 0; i < 20; i++) {
        const size = random(300)
        const bounded = boundPiece(state, piece('x'.repeat(size)), room(1000, random(3) === 0 ? 0 : 600))
        written += size
        stored += bounded.piece.data.length
        expect(bounded.piece.runs.reduce((sum, length) => sum + length, 0)).toBe(bounded.piece.data.length)
        expect(bounded.next.storedBytes).toBe(stored)
        expect(takenBytes(bounded.next)).toBe(written)
        expect(bounded.next.storedBytes - bounded.next.markBytes).toBeLessThanOrEqual(1000)
        state = bounded.next
      }
    }
  })
})
