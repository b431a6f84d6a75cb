import { expect, it } from 'vitest'
import { MetricsPage, quantileBetween } from './metrics-page.ts'

const page = (counts: [number, number, number]) =>
  new MetricsPage(`# HELP late How late.
# TYPE late histogram
late_bucket{le="0.1",server="a"} ${counts[0]}
late_bucket{le="0.5",server="a"} ${counts[1]}
late_bucket{le="+Inf",server="a"} ${counts[2]}
late_sum{server="a"} 12.5
calls_total{outcome="answered"} 40
calls_total{outcome="silent"} 2
up 1
`)

it('sums a counter over its labels, and says when there is none', () => {
  expect(page([0, 0, 0]).sum('calls_total')).toBe(42)
  expect(page([0, 0, 0]).sum('up')).toBe(1)
  expect(() => page([0, 0, 0]).sum('calls')).toThrow('no calls')
})

it('takes a quantile of what came between two pages alone, linear within its bucket', () => {
  const before = page([1000, 1000, 1000])
  expect(quantileBetween(before, page([1090, 1100, 1100]), 'late', 0.5)).toBeCloseTo((0.1 * 50) / 90)
  expect(quantileBetween(before, page([1090, 1100, 1100]), 'late', 0.99)).toBeCloseTo(0.1 + (0.4 * 9) / 10)
  expect(quantileBetween(before, page([1000, 1000, 1010]), 'late', 0.99)).toBe(0.5)
  expect(() => quantileBetween(before, before, 'late', 0.99)).toThrow('nothing was observed')
})
