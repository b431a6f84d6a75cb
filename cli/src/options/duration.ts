import { InvalidArgumentError } from 'commander'

/** Smallest first. */
const UNITS_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
type Unit = keyof typeof UNITS_MS

/** `500ms`, `20s`, `1.5m`, `2h`, `1d` as whole milliseconds; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const [, number = '', unit = ''] = /^(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|h|d)$/.exec(text) ?? []
  if (unit === '') return undefined
  const ms = Number(number) * UNITS_MS[unit as Unit]
  // Decimals are binary fractions: 1.1 s is a little more than 1100 ms.
  const whole = Math.round(ms)
  return Math.abs(ms - whole) < 0.001 ? whole : undefined
}

/** Written so that `parseDuration` reads it again: in the largest unit that it is a whole number of, `90s`. */
export function durationText(ms: number): string {
  const fitting = (Object.keys(UNITS_MS) as Unit[]).filter((unit) => ms > 0 && ms % UNITS_MS[unit] === 0)
  const unit = fitting.at(-1) ?? 'ms'
  return `${ms / UNITS_MS[unit]}${unit}`
}

/** For an option that is a duration, in whole milliseconds. */
export function durationBetween(leastMs: number, mostMs: number) {
  return (text: string): number => {
    const ms = parseDuration(text)
    if (ms !== undefined && ms >= leastMs && ms <= mostMs) return ms
    throw new InvalidArgumentError(
      `It must be a duration from ${durationText(leastMs)} to ${durationText(mostMs)}, written as 500ms, 20s, 1m or 2h.`,
    )
  }
}
