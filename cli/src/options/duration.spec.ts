import { describe, expect, it } from 'vitest'
import { durationBetween, durationText, parseDuration } from './duration.ts'

describe('durations', () => {
  it.each([
    ['500ms', 500],
    ['20s', 20_000],
    ['1m', 60_000],
    ['1.5m', 90_000],
    ['1.1s', 1100],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
    ['0s', 0],
  ])('%s is %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms)
  })

  it.each(['', '20', '20 s', '-1s', '1e3s', '1s2', 's', '1w', '0.0001s', '1,5s', `${'9'.repeat(20)}s`])(
    'the text "%s" is not a duration',
    (text) => {
      expect(parseDuration(text)).toBeUndefined()
    },
  )

  it('what is written can be read again', () => {
    for (const ms of [0, 1, 999, 1000, 1500, 60_000, 90_000, 3_600_000, 86_400_000, 90_000_000])
      expect(parseDuration(durationText(ms))).toBe(ms)
    expect([90_000, 120_000, 1500, 172_800_000].map(durationText)).toEqual(['90s', '2m', '1500ms', '2d'])
  })

  it('one outside its bounds is refused, with the bounds', () => {
    expect(durationBetween(1000, 60_000)('1m')).toBe(60_000)
    for (const text of ['999ms', '61s', '20'])
      expect(() => durationBetween(1000, 60_000)(text)).toThrow('a duration from 1s to 1m')
  })
})
