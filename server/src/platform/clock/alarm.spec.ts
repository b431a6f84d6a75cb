import { expect, it } from 'vitest'
import { Alarm } from './alarm.ts'

const LONG_MS = 60_000

it('ends a wait, and the next one when nobody waited', async () => {
  const alarm = new Alarm()
  const waited = alarm.wait(LONG_MS)
  alarm.ring()
  expect(await waited).toBe(true)
  alarm.ring()
  alarm.ring()
  expect(await alarm.wait(LONG_MS)).toBe(true)
  expect(await alarm.wait(1)).toBe(false)
})

it('does not wait where all is over', async () => {
  const stop = new AbortController()
  const waited = new Alarm().wait(LONG_MS, stop.signal)
  stop.abort()
  expect(await waited).toBe(false)
  expect(await new Alarm().wait(LONG_MS, stop.signal)).toBe(false)
})
