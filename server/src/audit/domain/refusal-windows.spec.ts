import { expect, it } from 'vitest'
import { RefusalWindows } from './refusal-windows.ts'

const written = (windows: RefusalWindows, caller: string, count: number, nowMs = 0) =>
  Array.from({ length: count }, () => windows.take(caller, nowMs)).filter(Boolean).length

it('a bounded number of refusals per caller and minute is recorded, and the others are counted', () => {
  const windows = new RefusalWindows({ perCaller: 10, total: 1000 })
  expect(written(windows, 'a', 500)).toBe(10)
  expect(written(windows, 'b', 3)).toBe(3)
  expect(windows.takeUnrecorded()).toEqual({ count: 490, callers: { a: 490 } })
  expect(windows.takeUnrecorded()).toBeNull()
  expect(written(windows, 'a', 20, 60_000)).toBe(10)
})

it('refusals of any number of callers are recorded up to a bound, and none is uncounted', () => {
  const windows = new RefusalWindows({ perCaller: 10, total: 300 })
  let count = 0
  for (let caller = 0; caller < 50_000; caller++) count += written(windows, `2001:db8::${caller}`, 1)
  expect(count).toBe(300)
  const unwritten = windows.takeUnrecorded()
  expect(unwritten?.count).toBe(49_700)
  expect(Object.keys(unwritten?.callers ?? {}).length).toBeLessThanOrEqual(20)
})
