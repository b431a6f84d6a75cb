import { describe, expect, it } from 'vitest'
import { LatestOutput } from './latest-output.ts'
import { joinChunks } from './output.ts'

const piece = (offset: number, text: string) => ({
  commandId: 'c',
  offset,
  ...joinChunks([{ stream: 'stdout', data: Buffer.from(text) }]),
})
const latestOf = (...pieces: ReturnType<typeof piece>[]) => {
  const latest = new LatestOutput()
  for (const one of pieces) latest.add(one)
  return latest
}
const offsets = (latest: LatestOutput, from: number) => latest.from(from).map(({ offset }) => offset)

describe('LatestOutput', () => {
  it('all output from a byte on is given, beginning with the piece that holds it', () => {
    const latest = latestOf(piece(10, 'abc'), piece(13, 'de'), piece(15, 'f'))
    expect(latest.end).toBe(16)
    expect(offsets(latest, 10)).toEqual([10, 13, 15])
    expect(offsets(latest, 12)).toEqual([10, 13, 15])
    expect(offsets(latest, 13)).toEqual([13, 15])
  })

  it('nothing is given to a viewer that has all, is ahead, or is too far behind', () => {
    const latest = latestOf(piece(10, 'abc'))
    for (const from of [9, 13, 20]) expect(latest.from(from)).toEqual([])
    expect(new LatestOutput().from(0)).toEqual([])
  })

  it('nothing from before a gap is kept', () => {
    const latest = latestOf(piece(0, 'abc'), piece(7, 'de'))
    expect(offsets(latest, 0)).toEqual([])
    expect(offsets(latest, 7)).toEqual([7])
  })

  it('a mebibyte is kept, and the last piece whatever its size', () => {
    const half = 'x'.repeat(512 * 1024)
    const latest = latestOf(piece(0, half), piece(half.length, half), piece(2 * half.length, 'y'))
    expect(offsets(latest, 0)).toEqual([])
    expect(offsets(latest, half.length)).toEqual([half.length, 2 * half.length])
    latest.add(piece(latest.end, 'z'.repeat(2_000_000)))
    expect(latest.from(latest.end - 1)).toHaveLength(1)
    expect(offsets(latest, 2 * half.length)).toEqual([])
  })
})
