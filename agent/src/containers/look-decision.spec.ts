import { expect, test } from 'vitest'
import { isLookDue, type LookView } from './look-decision.ts'

const asked = { atMs: 0, signature: 'a' }
const view = (more: Partial<LookView> = {}): LookView => ({
  hasEngine: true,
  signature: 'a',
  asked,
  unanswered: 0,
  answer: { tookMs: 30, isEmpty: false },
  ...more,
})

/** When the next look is due, in seconds after the latest. */
function dueAfter(seen: LookView): number {
  for (let second = 0; second <= 10_000; second++) if (isLookDue(seen, second * 1000)) return second
  return Number.POSITIVE_INFINITY
}

test('a host without an engine is never looked at', () => {
  expect(dueAfter(view({ hasEngine: false, asked: null }))).toBe(Number.POSITIVE_INFINITY)
})

test('the first question is passed on at once, however young the clock', () => {
  expect(isLookDue(view({ asked: null, answer: null }), 0)).toBe(true)
})

test('containers are looked at every twenty seconds at most', () => {
  expect(dueAfter(view())).toBe(20)
})

test('an engine that is slow is asked so seldom that it works for us one hundredth of the time', () => {
  expect(dueAfter(view({ answer: { tookMs: 1000, isEmpty: false } }))).toBe(100)
  expect(dueAfter(view({ answer: { tookMs: 13_000, isEmpty: false } }))).toBe(300)
})

test('an engine without containers is left alone for an hour, until something changes', () => {
  const empty = { answer: { tookMs: 30, isEmpty: true } }
  expect(dueAfter(view(empty))).toBe(3600)
  expect(dueAfter(view({ ...empty, signature: 'b' }))).toBe(20)
})

test('a runner that does not answer is asked less and less, and never quite given up', () => {
  const gaps = [1, 2, 3, 4, 5, 60].map((unanswered) => dueAfter(view({ unanswered, answer: null })))
  expect(gaps).toEqual([20, 40, 80, 160, 300, 300])
})
