import type { FilterName } from './check.ts'
import type { TermName } from './ranges.ts'

/**
 * Hosts that failed one condition, and what three of them have instead. Each host counts at the first condition that it
 * fails.
 */
export interface Rejection {
  filter: FilterName
  detail: string
  count: number
  examples: readonly { host: string; evidence: string | null }[]
}

/** The score of one host: the sum of its terms. */
export interface ScoredHost {
  host: string
  score: number
  /** `flaps` is 0 or below. */
  terms: Readonly<Record<TermName | 'flaps', number>>
}

/** Why a slot goes where it goes, or nowhere. Hosts are named. */
export interface Explanation {
  /** How many hosts the fleet has. */
  hosts: number
  /** In the order in which conditions are checked. */
  rejections: readonly Rejection[]
  /** The best hosts, the chosen one first; empty for a slot that is not placed. */
  best: readonly ScoredHost[]
}

/** The bound of an explanation as JSON. */
export const MAX_EXPLANATION_BYTES = 4096
/** Five hosts with names of 63 characters and all terms stay below the rest. */
const MAX_REJECTION_BYTES = 3000
const MAX_TEXT_LENGTH = 80

const toSize = (value: unknown) => Buffer.byteLength(JSON.stringify(value))
const cut = (text: string) => (text.length > MAX_TEXT_LENGTH ? `${text.slice(0, MAX_TEXT_LENGTH)}…` : text)

/** Shortens rejections until they fit into an explanation: first texts, then examples, then one sum for each filter. */
export function toBoundedRejections(rejections: readonly Rejection[]): readonly Rejection[] {
  if (toSize(rejections) <= MAX_REJECTION_BYTES) return rejections
  const short = rejections.map(({ filter, detail, count, examples }) => ({
    filter,
    detail: cut(detail),
    count,
    examples: examples.map(({ host, evidence }) => ({ host, evidence: evidence && cut(evidence) })),
  }))
  for (const kept of [3, 1, 0]) {
    const fewer = short.map((each) => ({ ...each, examples: each.examples.slice(0, kept) }))
    if (toSize(fewer) <= MAX_REJECTION_BYTES) return fewer
  }
  const sums = new Map<FilterName, Rejection>()
  for (const { filter, count } of rejections) {
    const before = sums.get(filter)?.count ?? 0
    sums.set(filter, { filter, detail: 'several', count: before + count, examples: [] })
  }
  return [...sums.values()]
}
