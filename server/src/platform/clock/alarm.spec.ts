import { expect, it } from 'vitest'
import { Alarm } from './alarm.ts'

const LONG_MS = 60_000

it('an alarm ends a wait, or the next one if there is none', async () => {
  const alarm = new Alarm()
  const waited = alarm.wait(LONG_MS)
  alarm.ring()
  expect(await waited).toBe(true)
  alarm.ring()
  alarm.ring()
  expect(await alarm.wait(LONG_MS)).toBe(true)
  expect(await alarm.wait(1)).toBe(false)
})

it('a wait on an ended alarm returns at once', async () => {
  const stop = new AbortController()
  const waited = new Alarm().wait(LONG_MS, stop.signal)
  stop.abort()
  expect(await waited).toBe(false)
  expect(await new Alarm().wait(LONG_MS, stop.signal)).toBe(false)
})
