import { expect, test } from 'vitest'
import { toRanges, wantedIndexes } from './wanted-ranges.ts'

test('ranges cover exactly the given numbers while there are few', () => {
  expect(toRanges([0, 1, 2, 5, 7, 8])).toEqual([
    [0, 2],
    [5, 5],
    [7, 8],
  ])
  expect(
    wantedIndexes([
      [0, 2],
      [5, 5],
    ]),
  ).toEqual([0, 1, 2, 5])
  expect(toRanges([])).toEqual([])
})

test('too many ranges are joined without losing a wanted number', () => {
  // Deterministic, and with gaps of all sizes.
  const numbers = Array.from({ length: 500 }, (_, i) => i).filter((i) => (i * 7919) % 13 < 6)
  for (const most of [1, 2, 10, 50]) {
    const ranges = toRanges(numbers, most)
    expect(ranges.length).toBeLessThanOrEqual(most)
    const wanted = new Set(wantedIndexes(ranges))
    expect(numbers.every((number) => wanted.has(number))).toBe(true)
    expect(
      ranges.every(([first, last], i) => first <= last && (i === 0 || (ranges[i - 1]?.[1] ?? 0) < first)),
    ).toBe(true)
  }
})
