import { describe, expect, it } from 'vitest'
import { formatBar, formatMoment, formatRoughDuration, formatSize } from './format-measure.ts'

describe('measures', () => {
  it.each([
    [-5000, '0 s'],
    [59_999, '59 s'],
    [60_000, '1 min'],
    [3_599_999, '59 min'],
    [3_600_000, '1 h'],
    [172_799_999, '47 h'],
    [172_800_000, '2 d'],
  ])('%d ms is roughly %s', (ms, text) => {
    expect(formatRoughDuration(ms)).toBe(text)
  })

  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [10_188, '9.9 KiB'],
    [10_200, '10 KiB'],
    [1_048_575, '1.0 MiB'],
    [1_932_735_283, '1.8 GiB'],
    [Number.MAX_VALUE, expect.stringMatching(/EiB$/)],
  ])('%d bytes are formatted as %s', (bytes, text) => {
    expect(formatSize(bytes)).toEqual(text)
  })

  it('a bar never grows beyond its width, whatever it is told', () => {
    expect([-1, 0, 49, 50, 100, 1e9].map((percent) => formatBar(percent, 4))).toEqual([
      '░░░░',
      '░░░░',
      '██░░',
      '██░░',
      '████',
      '████',
    ])
  })

  it('a moment is told to the second', () => {
    expect(formatMoment('2026-03-01T10:00:00.123Z')).toBe('2026-03-01T10:00:00Z')
    expect(formatMoment('2026-03-01T10:00:00Z')).toBe('2026-03-01T10:00:00Z')
  })
})
