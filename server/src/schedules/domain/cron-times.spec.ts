import { describe, expect, it } from 'vitest'
import { CronTimes } from './cron-times.ts'

const BERLIN = 'Europe/Berlin'
const HOUR_MS = 3_600_000

/** Every planned time from a moment to another, each asked for from the one before. */
function between(cron: string, from: string, to: string, zone = BERLIN): string[] {
  const times = new CronTimes(cron, zone)
  const found: string[] = []
  for (let next = times.next(new Date(from)); next && next < new Date(to); next = times.next(next))
    found.push(next.toISOString().replace(':00.000Z', 'Z'))
  return found
}

/** The same, asked for again from every minute in between, as servers do that start at any moment. */
function askedEveryMinute(cron: string, from: string, to: string): string[] {
  const times = new CronTimes(cron, BERLIN)
  const found = new Set<string>()
  for (let at = Date.parse(from); at < Date.parse(to); at += 60_000) {
    const next = times.next(new Date(at))
    expect(next?.getTime()).toBeGreaterThan(at)
    if (next && next < new Date(to)) found.add(next.toISOString().replace(':00.000Z', 'Z'))
  }
  return [...found]
}

/** Both days whole, by the clock in Berlin. */
const SPRING = ['2026-03-28T23:00:00Z', '2026-03-29T22:00:00Z'] as const
const AUTUMN = ['2026-10-24T22:00:00Z', '2026-10-25T23:00:00Z'] as const

describe('a time on the wall', () => {
  it.each([
    ['30 2 * * *', ['2026-03-29T01:00Z']],
    ['15,45 2 * * *', ['2026-03-29T01:00Z']],
    ['*/20 2 * * *', ['2026-03-29T01:00Z']],
    ['30 2,3 * * *', ['2026-03-29T01:00Z', '2026-03-29T01:30Z']],
    ['0 2,3 * * *', ['2026-03-29T01:00Z']],
    ['30 1 * * *', ['2026-03-29T00:30Z']],
    ['0 3 * * *', ['2026-03-29T01:00Z']],
    ['30 2 29 3 *', ['2026-03-29T01:00Z']],
    ['0 12 * * sun', ['2026-03-29T10:00Z']],
  ])('%s comes once on the day when the clock jumps from 02:00 to 03:00', (cron, times) => {
    expect(between(cron, ...SPRING)).toEqual(times)
    expect(askedEveryMinute(cron, ...SPRING)).toEqual(times)
  })

  it.each([
    ['30 2 * * *', ['2026-10-25T00:30Z']],
    ['*/20 2 * * *', ['2026-10-25T00:00Z', '2026-10-25T00:20Z', '2026-10-25T00:40Z']],
    ['30 2,3 * * *', ['2026-10-25T00:30Z', '2026-10-25T02:30Z']],
    ['59 1-3 * * *', ['2026-10-24T23:59Z', '2026-10-25T00:59Z', '2026-10-25T02:59Z']],
    ['0 3 * * *', ['2026-10-25T02:00Z']],
  ])('%s comes once on the day when the clock shows 02:00 to 03:00 twice, the first time', (cron, times) => {
    expect(between(cron, ...AUTUMN)).toEqual(times)
    expect(askedEveryMinute(cron, ...AUTUMN)).toEqual(times)
  })

  it.each([BERLIN, 'America/New_York', 'Australia/Lord_Howe', 'America/Sao_Paulo', 'Asia/Kathmandu', 'UTC'])(
    'a daily time comes once a day in %s, over a year',
    (zone) => {
      for (const cron of ['30 2 * * *', '0 0 * * *', '45 1 * * *'])
        expect(between(cron, '2026-01-01T12:00:00Z', '2027-01-01T12:00:00Z', zone)).toHaveLength(365)
    },
  )

  it('a midnight that the clock jumps over comes when that day begins', () => {
    expect(between('0 0 * * *', '2018-11-03T12:00:00Z', '2018-11-04T12:00:00Z', 'America/Sao_Paulo')).toEqual(
      ['2018-11-04T03:00Z'],
    )
  })
})

describe('every hour', () => {
  it.each(['30 * * * *', '@hourly', '0 * * * *'])(
    'the hourly %s goes by elapsed time, over both changes',
    (cron) => {
      for (const day of [SPRING, AUTUMN]) {
        const times = between(cron, day[0], day[1]).map((text) => Date.parse(text.replace('Z', ':00Z')))
        for (const [i, time] of times.entries()) if (i > 0) expect(time - (times[i - 1] ?? 0)).toBe(HOUR_MS)
        expect(times.length).toBeGreaterThanOrEqual((Date.parse(day[1]) - Date.parse(day[0])) / HOUR_MS - 1)
      }
    },
  )

  it('each quarter of an hour comes once, over the change in autumn', () => {
    expect(between('*/15 * * * *', ...AUTUMN)).toHaveLength(25 * 4 - 1)
  })
})

describe('an expression', () => {
  it('an expression that is never due has no next time', () => {
    expect(new CronTimes('0 0 30 2 *', BERLIN).next(new Date('2026-01-01'))).toBeNull()
  })

  it.each(['', '* * * *', '61 * * * *', '* * * * * *', 'every day', '*/0 * * * *'])(
    'the expression %j is refused',
    (cron) => {
      expect(() => new CronTimes(cron, BERLIN)).toThrow()
    },
  )

  it('an expression previews its next times', () => {
    const next = new CronTimes('0 9 * * mon-fri', BERLIN).upcoming(new Date('2026-11-20T12:00:00Z'), 3)
    expect(next.map((time) => time.toISOString())).toEqual([
      '2026-11-23T08:00:00.000Z',
      '2026-11-24T08:00:00.000Z',
      '2026-11-25T08:00:00.000Z',
    ])
  })
})
