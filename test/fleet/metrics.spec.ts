import { expect, it } from 'vitest'
import { Metrics } from './metrics.ts'

const page = (counts: [number, number, number]) =>
  new Metrics(`# HELP late_seconds How late.
# TYPE late_seconds histogram
late_seconds_bucket{le="0.1"} ${counts[0]}
late_seconds_bucket{le="0.5"} ${counts[1]}
late_seconds_bucket{le="+Inf"} ${counts[2]}
late_seconds_count ${counts[2]}
calls_total{outcome="answered"} 40
`)

it('one series of metrics is read, and 0 for one that was never counted', () => {
  expect(page([0, 0, 0]).value('calls_total{outcome="answered"}')).toBe(40)
  expect(page([0, 0, 0]).value('calls_total{outcome="silent"}')).toBe(0)
})

it('a quantile is taken of what came between two pages only', () => {
  const before = page([1000, 1000, 1000])
  const after = page([1090, 1100, 1100])
  expect(after.quantileSince(before, 'late_seconds', 0.99)).toBe(0.5)
  expect(after.estimateSince(before, 'late_seconds', 0.5)).toBeCloseTo((0.1 * 50) / 90)
  expect(after.estimateSince(before, 'late_seconds', 0.99)).toBeCloseTo(0.1 + (0.4 * 9) / 10)
  expect(page([1000, 1000, 1010]).estimateSince(before, 'late_seconds', 0.99)).toBe(0.5)
  expect(() => before.estimateSince(before, 'late_seconds', 0.99)).toThrow('nothing was observed')
})
