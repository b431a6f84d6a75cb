import { describe, expect, it } from 'vitest'
import { formatAge, formatCommandLine, formatDuration } from './format-command.ts'

describe('words', () => {
  it.each([
    [-5, '0 ms'],
    [999, '999 ms'],
    [1999, '1.9 s'],
    [59_999, '59.9 s'],
    [60_000, '1 min 0 s'],
    [3_599_999, '59 min 59 s'],
    [7_500_000, '2 h 5 min'],
    [273_600_000, '3 d 4 h'],
  ])('%d ms is formatted as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text)
  })

  it('a moment that lies ahead, because clocks differ, is not told as a negative age', () => {
    expect(formatAge('2030-01-01T00:00:10Z', Date.parse('2030-01-01T00:00:00Z'))).toBe('0 s')
    expect(formatAge('2030-01-01T00:00:00Z', Date.parse('2030-01-01T00:01:05.9Z'))).toBe('1 min 5 s')
  })

  it('a command line can be pasted into a shell', () => {
    expect(formatCommandLine({ program: 'echo', args: ['a b', "it's", '', '$HOME', '-l'] })).toBe(
      "echo 'a b' 'it'\\''s' '' '$HOME' -l",
    )
  })
})
