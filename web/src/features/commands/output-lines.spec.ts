import { expect, it } from 'vitest'
import { OutputLines } from './output-lines.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

it('a character that straddles two pieces is one character', () => {
  const lines = new OutputLines()
  const all = bytes('größe\nzwei')
  lines.append('stdout', all.subarray(0, 3))
  lines.append('stdout', all.subarray(3))
  expect(lines.lines.map(({ offset, text }) => [offset, text])).toEqual([
    [0, 'größe'],
    [8, 'zwei'],
  ])
  expect(lines.end).toBe(all.length)
})

it('ten megabytes on one line are cut and counted', () => {
  const lines = new OutputLines()
  for (let i = 0; i < 160; i++) lines.append('stdout', new Uint8Array(65_536).fill(65))
  lines.append('stdout', bytes('\nnext'))
  expect(lines.lines[0]?.text).toHaveLength(16_384)
  expect(lines.lines[0]?.cutBytes).toBe(160 * 65_536 - 16_384)
  expect(lines.lines[1]).toMatchObject({ offset: 160 * 65_536 + 1, text: 'next' })
})

it('streams do not share a line, and progress bars leave their last word', () => {
  const lines = new OutputLines()
  lines.append('stdout', bytes('1%\r50%\r99%'))
  lines.append('stderr', bytes('oops\r\n'))
  expect(lines.lines.map(({ stream, text }) => [stream, text])).toEqual([
    ['stdout', '99%'],
    ['stderr', 'oops'],
  ])
})
