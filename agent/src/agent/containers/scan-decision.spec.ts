import { expect, test } from 'vitest'
import { isScanDue, type ScanView } from './scan-decision.ts'

const requested = { atMs: 0, signature: 'a' }
const toView = (more: Partial<ScanView> = {}): ScanView => ({
  hasEngine: true,
  signature: 'a',
  requested,
  unanswered: 0,
  report: { tookMs: 30, isEmpty: false },
  ...more,
})

/** Returns when the next scan is due, in seconds after the latest one. */
function dueAfter(view: ScanView): number {
  for (let second = 0; second <= 10_000; second++) if (isScanDue(view, second * 1000)) return second
  return Number.POSITIVE_INFINITY
}

test('a host without a container engine is never scanned', () => {
  expect(dueAfter(toView({ hasEngine: false, requested: null }))).toBe(Number.POSITIVE_INFINITY)
})

test('the first scan of a host is due at once, even at time zero', () => {
  expect(isScanDue(toView({ requested: null, report: null }), 0)).toBe(true)
})

test('containers are scanned every twenty seconds at most', () => {
  expect(dueAfter(toView())).toBe(20)
})

test('a slow container engine spends at most one percent of its time on scans', () => {
  expect(dueAfter(toView({ report: { tookMs: 1000, isEmpty: false } }))).toBe(100)
  expect(dueAfter(toView({ report: { tookMs: 13_000, isEmpty: false } }))).toBe(300)
})

test('an engine without containers is scanned hourly until its signature changes', () => {
  const empty = { report: { tookMs: 30, isEmpty: true } }
  expect(dueAfter(toView(empty))).toBe(3600)
  expect(dueAfter(toView({ ...empty, signature: 'b' }))).toBe(20)
})

test('a runner that does not answer is asked at doubling intervals, bounded by five minutes', () => {
  const gaps = [1, 2, 3, 4, 5, 60].map((unanswered) => dueAfter(toView({ unanswered, report: null })))
  expect(gaps).toEqual([20, 40, 80, 160, 300, 300])
})
