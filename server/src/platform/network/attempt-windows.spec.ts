import { expect, it } from 'vitest'
import { AttemptWindows } from './attempt-windows.ts'

const LIMITS = { windowMs: 1000, max: 3, maxKeys: 2 }

it('a window has room for its attempts, and the next one for as many again', () => {
  const windows = new AttemptWindows(LIMITS)
  expect([1, 2, 3, 4].map(() => windows.count('a', 0))).toEqual([true, true, true, false])
  expect(windows.isFull('a', 999)).toBe(true)
  expect(windows.isFull('a', 1000)).toBe(false)
  expect(windows.count('a', 1000)).toBe(true)
})

it('an attempt that is given back makes room for another, and never for more than there were', () => {
  const windows = new AttemptWindows(LIMITS)
  for (let i = 0; i < 100; i++) {
    expect(windows.count('a', 0)).toBe(true)
    windows.refund('a')
  }
  windows.refund('a')
  expect([1, 2, 3, 4].map(() => windows.count('a', 0))).toEqual([true, true, true, false])
})

it('the number of counted keys is bounded', () => {
  const windows = new AttemptWindows(LIMITS)
  for (let key = 0; key < 10_000; key++) windows.count(String(key), 0)
  expect(windows.isFull('9999', 0)).toBe(false)
  expect((windows as unknown as { windows: Map<string, unknown> }).windows.size).toBe(2)
})
