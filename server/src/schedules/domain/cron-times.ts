import { Cron } from 'croner'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

/**
 * The planned times of a cron expression in a time zone. Pure.
 *
 * An expression whose hour is `*` goes by elapsed time: it comes in every hour that passes, in both hours of a doubled
 * one too. Any other names times on the wall, and each of those comes exactly once a day: one that the clock jumps over
 * comes as soon as it has jumped (several such ones together), and one that the clock shows twice comes the first time.
 */
export class CronTimes {
  private readonly cron: Cron
  private readonly isByElapsedTime: boolean
  private readonly zone: WallClock

  /** Throws an `Error` that says what is wrong with the expression. */
  constructor(expression: string, timeZone: string) {
    const hour = expression.trim().split(/\s+/)[1]
    this.isByElapsedTime = hour === '*' || expression.trim() === '@hourly'
    this.cron = new Cron(expression, {
      mode: '5-part',
      paused: true,
      domAndDow: false,
      timezone: this.isByElapsedTime ? timeZone : 'UTC',
    })
    this.zone = new WallClock(timeZone)
  }

  /** The first planned time after a moment; null when there is none any more. */
  next(after: Date): Date | null {
    if (this.isByElapsedTime) return this.cron.nextRun(after)
    let wall = new Date(this.zone.wallOf(after.getTime()))
    for (;;) {
      const next = this.cron.nextRun(wall)
      if (!next) return null
      const moment = this.zone.momentOf(next.getTime())
      if (moment > after.getTime()) return new Date(moment)
      // The wall shows a time for the second time, or one that was jumped over has come already.
      wall = next
    }
  }

  upcoming(after: Date, count: number): Date[] {
    const times: Date[] = []
    for (let next = this.next(after); next && times.length < count; next = this.next(next)) times.push(next)
    return times
  }
}

/** The clock on the wall of a time zone. Wall times are written as the milliseconds that UTC would have at that reading. */
class WallClock {
  private readonly format: Intl.DateTimeFormat

  constructor(timeZone: string) {
    this.format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
  }

  wallOf(moment: number): number {
    const parts = Object.fromEntries(
      this.format.formatToParts(moment).map(({ type, value }) => [type, Number(value)]),
    )
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts
    return Date.UTC(year, month - 1, day, hour, minute, second) + (((moment % 1000) + 1000) % 1000)
  }

  /** The first moment at which the wall shows `wall`, or, where that is jumped over, the first after the jump. */
  momentOf(wall: number): number {
    const offsets = [wall - DAY_MS, wall + DAY_MS].map((moment) => this.wallOf(moment) - moment)
    const candidates = offsets.map((offset) => wall - offset).toSorted((a, b) => a - b)
    const shown = candidates.find((moment) => this.wallOf(moment) === wall)
    if (shown !== undefined) return shown
    let [before = 0, at = 0] = candidates
    while (at - before > MINUTE_MS) {
      const middle = Math.floor((before + at) / 2 / MINUTE_MS) * MINUTE_MS
      if (middle <= before) break
      if (this.wallOf(middle) > wall) at = middle
      else before = middle
    }
    return at
  }
}
