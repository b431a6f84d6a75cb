/** A bound that a figure should keep: `atMost` for what should be small, `atLeast` for what should be large. */
export type Target = { atMost: number } | { atLeast: number }

/** One measured number, beside what the same work costs without Rollcall. */
export interface Figure {
  /** `<benchmark>.<what>`, stable from release to release. */
  name: string
  /** Null for what could not be measured here; then `peer` says why. */
  value: number | null
  unit: string
  /** Null for a figure that is only told. */
  target: Target | null
  /** The peer's value, measured in the same run; null if there is nothing comparable. */
  peer: string | null
  peerValue: number | null
  /** How many measurements the value is made of. */
  n: number
}

export interface Benchmark {
  /** One line for the list of names. */
  summary: string
  /**
   * Measures on hosts of its own and removes them. Throws when what was measured was not right (output lost, say):
   * a figure of wrong work is no figure.
   */
  run(log: (line: string) => void, options: BenchOptions): Promise<Figure[]>
  /** Pictures of figures of one whole run, of whatever benchmarks; none when a figure that they need is not there. */
  plots?(figures: readonly Figure[]): Plot[]
}

export interface BenchOptions {
  /** Fewer rounds and shorter windows: the same figures in minutes, less exact. */
  isShort: boolean
}

/** A picture for `docs/images`. */
export interface Plot {
  file: string
  svg: string
}

export type Verdict = 'met' | 'missed' | '-'

export function verdictOf({ value, target }: Figure): Verdict {
  if (!target || value === null) return '-'
  const isMet = 'atMost' in target ? value <= target.atMost : value >= target.atLeast
  return isMet ? 'met' : 'missed'
}

/** The form in which figures are kept. `target` is the bound alone: which side of it is good, the name says. */
export function toJson({ name, value, unit, target, peer, peerValue, n }: Figure) {
  const bound = target && ('atMost' in target ? target.atMost : target.atLeast)
  return {
    name,
    value: value && round(value),
    unit,
    target: bound,
    peer,
    peerValue: peerValue && round(peerValue),
    n,
  }
}

/** Three significant digits, and one after the point for what is large: more would be noise. */
export function round(value: number): number {
  return Number(Math.abs(value) >= 100 ? value.toFixed(1) : value.toPrecision(3))
}
