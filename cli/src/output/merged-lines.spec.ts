import { expect, it } from 'vitest'
import { MergedLines } from './merged-lines.ts'

const feed = (merged: MergedLines, id: string, text: string) =>
  merged.output({ id, host: `shop/web.${id}` }, { offset: 0, stream: 'stdout', data: Buffer.from(text) })

it('lines of several logs are put in the order of their times, and a line without one stays behind its own', () => {
  const merged = new MergedLines()
  feed(merged, '1', '2026-11-30T10:00:01.000001Z web out a\n  at main\n2026-11-30T10:00:03.0')
  feed(merged, '2', '2026-11-30T10:00:00.500000Z web out b\n2026-11-30T10:00:02.000000Z web err c\n')
  feed(merged, '1', '00000Z web out d')
  merged.ended({ id: '1' })
  expect(merged.inOrder().map(({ instance, line }) => `${instance.at(-1)} ${line.slice(11)}`)).toEqual([
    '2 10:00:00.500000Z web out b',
    '1 10:00:01.000001Z web out a',
    '1 ',
    '2 10:00:02.000000Z web err c',
    '1 10:00:03.000000Z web out d',
  ])
})

it('lines of hosts in different time zones are put in the order in which they were written', () => {
  const merged = new MergedLines()
  feed(merged, '1', '2026-11-30T18:00:01.5+08:00 web out second\n')
  feed(
    merged,
    '2',
    '2026-11-30T10:00:01.499999Z web out first\n2026-11-30T10:00:01.500001123Z web out third\n',
  )
  expect(merged.inOrder().map(({ line }) => line.split(' ').at(-1))).toEqual(['first', 'second', 'third'])
})
