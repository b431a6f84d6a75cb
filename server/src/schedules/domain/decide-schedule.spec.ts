import { describe, expect, it } from 'vitest'
import { CronTimes } from './cron-times.ts'
import { decideSchedule, type ScheduleView } from './decide-schedule.ts'

const T0 = new Date('2026-03-01T12:00:00Z')
const at = (ms: number) => new Date(T0.getTime() + ms)
const MINUTE_MS = 60_000

const times = new CronTimes('*/5 * * * *', 'UTC')
const view: ScheduleView = {
  isEnabled: true,
  nextAt: T0,
  graceMs: 12 * MINUTE_MS,
  overlap: 'skip',
  isPreviousRunning: false,
  next: (after) => times.next(after),
}

describe('decideSchedule', () => {
  it('a schedule waits until its time, and while it is paused or no time is left', () => {
    expect(decideSchedule(view, at(-1))).toEqual({ do: 'wait' })
    expect(decideSchedule({ ...view, isEnabled: false }, at(0))).toEqual({ do: 'wait' })
    expect(decideSchedule({ ...view, nextAt: null }, at(0))).toEqual({ do: 'wait' })
  })

  it('a schedule runs when its time has come', () => {
    expect(decideSchedule(view, at(0))).toEqual({
      do: 'run',
      plannedAt: T0,
      nextAt: at(5 * MINUTE_MS),
      reason: null,
    })
  })

  it('a schedule runs once for the latest time that was missed within its grace, and names the others', () => {
    expect(decideSchedule(view, at(12 * MINUTE_MS))).toEqual({
      do: 'run',
      plannedAt: at(10 * MINUTE_MS),
      nextAt: at(15 * MINUTE_MS),
      reason: expect.stringContaining(T0.toISOString()),
    })
  })

  it('a schedule skips what is later than its grace, with a reason', () => {
    const rare = new CronTimes('0 12 1 * *', 'UTC')
    const monthly = { ...view, next: (after: Date) => rare.next(after) }
    expect(decideSchedule(monthly, at(12 * MINUTE_MS))).toMatchObject({ do: 'run', plannedAt: T0 })
    expect(decideSchedule(monthly, at(12 * MINUTE_MS + 1))).toMatchObject({
      do: 'skip',
      outcome: 'missed',
      plannedAt: T0,
      nextAt: new Date('2026-04-01T12:00:00Z'),
    })
  })

  it('a schedule skips a time while its previous run has not ended, unless both may run', () => {
    const busy = { ...view, isPreviousRunning: true }
    expect(decideSchedule(busy, at(0))).toMatchObject({ do: 'skip', outcome: 'overlapped', plannedAt: T0 })
    expect(decideSchedule({ ...busy, overlap: 'allow' }, at(0))).toMatchObject({ do: 'run' })
  })

  it('no planned time is decided twice, nor out of order, however servers come and go', () => {
    for (let seed = 1; seed <= 50; seed++) {
      let state = seed
      const random = () => {
        state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32
        return state / 2 ** 32
      }
      let nextAt: Date | null = T0
      let last = at(-1)
      for (let now = 0; now < 600 * MINUTE_MS; now += Math.floor(random() ** 4 * 120 * MINUTE_MS)) {
        now += 1
        const decision = decideSchedule({ ...view, nextAt, isPreviousRunning: random() < 0.2 }, at(now))
        if (decision.do === 'wait') continue
        expect(decision.plannedAt.getTime()).toBeGreaterThan(last.getTime())
        expect(decision.plannedAt <= at(now)).toBe(true)
        expect(decision.nextAt && decision.nextAt > at(now)).toBe(true)
        if (decision.do === 'run')
          expect(now - (decision.plannedAt.getTime() - T0.getTime())).toBeLessThanOrEqual(view.graceMs)
        last = decision.plannedAt
        nextAt = decision.nextAt
      }
    }
  })

  it('looks at no more planned times than lie within the grace, after a year away', () => {
    let asked = 0
    const next = (after: Date) => {
      asked++
      return times.next(after)
    }
    decideSchedule({ ...view, next }, at(365 * 86_400_000))
    expect(asked).toBeLessThan(10)
  })
})
