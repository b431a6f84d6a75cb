import type { HostSample } from '@rollcall/contracts/admin'

const BLOCKS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█']

/** One place of a chart: the mean of all heartbeats in its time span; null if there were none. */
export interface Cell {
  cpuPercent: number
  memoryPercent: number
  load: number
}

/**
 * Samples in at most `columns` places of equal spans of time, so that gaps are seen as gaps. `samples` are oldest first and
 * `stepMs` apart where none is missing.
 */
export function toCells(
  samples: readonly HostSample[],
  stepMs: number,
  columns: number,
): { cells: (Cell | null)[]; cellMs: number } {
  const [first, last] = [samples[0], samples.at(-1)]
  if (!first || !last) return { cells: [], cellMs: stepMs }
  const start = Date.parse(first.at)
  const steps = Math.floor((Date.parse(last.at) - start) / stepMs) + 1
  const stepsPerCell = Math.max(1, Math.ceil(steps / Math.max(1, columns)))
  const cellMs = stepsPerCell * stepMs
  const groups = Map.groupBy(samples, ({ at }) => Math.floor((Date.parse(at) - start) / cellMs))
  const cells = Array.from({ length: Math.ceil(steps / stepsPerCell) }, (_, place) => {
    const group = groups.get(place)
    return group ? toMean(group) : null
  })
  return { cells, cellMs }
}

function toMean(samples: readonly HostSample[]): Cell {
  const total = samples.reduce((sum, { count }) => sum + count, 0) || 1
  const mean = (of: (sample: HostSample) => number) =>
    samples.reduce((sum, sample) => sum + of(sample) * sample.count, 0) / total
  return {
    cpuPercent: mean((sample) => sample.cpuPercent),
    memoryPercent: mean((sample) => sample.memoryPercent),
    load: mean((sample) => sample.load),
  }
}

/** One block for each value, the tallest for `most` and above; a space where there is none. */
export function sparkline(values: readonly (number | null)[], most: number): string {
  return values
    .map((value) => {
      if (value === null) return ' '
      const height = most > 0 ? Math.floor((value / most) * BLOCKS.length) : 0
      return BLOCKS[Math.min(BLOCKS.length - 1, Math.max(0, height))]
    })
    .join('')
}
