import { MAX_WANTED_RANGES } from '@rollcall/contracts/agent'

export type Range = [first: number, last: number]

/**
 * Converts ascending numbers to ranges. Beyond `maxRanges`, ranges with the smallest gaps are joined, so that more is wanted than
 * needed and never less.
 */
export function toRanges(indexes: readonly number[], maxRanges = MAX_WANTED_RANGES): Range[] {
  const ranges: Range[] = []
  for (const index of indexes) {
    const last = ranges.at(-1)
    if (last !== undefined && index === last[1] + 1) last[1] = index
    else ranges.push([index, index])
  }
  if (ranges.length <= maxRanges) return ranges
  const gaps = ranges.slice(1).map((range, at) => range[0] - (ranges[at] as Range)[1])
  const widest = new Set(
    gaps
      .map((gap, at) => ({ gap, at }))
      .sort((a, b) => b.gap - a.gap || a.at - b.at)
      .slice(0, maxRanges - 1)
      .map(({ at }) => at),
  )
  return ranges.reduce<Range[]>((joined, range, at) => {
    const before = joined.at(-1)
    if (before === undefined || widest.has(at - 1)) joined.push([...range])
    else before[1] = range[1]
    return joined
  }, [])
}

/** Lists the numbers in the ranges. */
export const wantedIndexes = (ranges: readonly Range[]): number[] =>
  ranges.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, at) => first + at))
