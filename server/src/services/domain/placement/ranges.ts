/** The terms of a score. Each has a fixed range, so that the same host scores the same tomorrow. */
const DEFAULT_RANGES = { load: 40, spread: 30, affinity: 15, preference: 15 }

export type TermName = keyof typeof DEFAULT_RANGES
export type Ranges = Readonly<Record<TermName, number>>

export const TERMS = Object.keys(DEFAULT_RANGES) as TermName[]
/** The highest score. */
const MAX_SCORE = 100

/**
 * Computes how many points each term may give, at most 100 together: a weight is the range of its term, and terms
 * without one share the rest in the proportion of their defaults. Throws `RangeError` for weights that are not whole
 * numbers of at most 100 together.
 */
export function toRanges(weights: Readonly<Partial<Record<TermName, number>>>): Ranges {
  const given = TERMS.map((term) => weights[term]).filter((weight) => weight !== undefined)
  const rest = MAX_SCORE - given.reduce((sum, weight) => sum + weight, 0)
  if (rest < 0 || given.some((weight) => !Number.isInteger(weight) || weight < 0))
    throw new RangeError(
      `weights are whole numbers of at most ${MAX_SCORE} together, not ${given.join(', ')}`,
    )
  const open = TERMS.filter((term) => weights[term] === undefined)
  const shares = open.reduce((sum, term) => sum + DEFAULT_RANGES[term], 0)
  const toRange = (term: TermName) => weights[term] ?? Math.floor((rest * DEFAULT_RANGES[term]) / shares)
  return {
    load: toRange('load'),
    spread: toRange('spread'),
    affinity: toRange('affinity'),
    preference: toRange('preference'),
  }
}
