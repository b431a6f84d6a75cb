import type { ScoredHostView } from '@rollcall/contracts/admin'
import { formatBar } from './format-measure.ts'

/** Draws a score of 0 to 100 as a bar, with its terms: `███████░░░  71  load 31, spread 25, affinity 15`. */
export function scoreLine({ score, terms }: Pick<ScoredHostView, 'score' | 'terms'>): string {
  const named = Object.entries(terms)
    .filter(([, points]) => points !== 0)
    .map(([term, points]) => `${term} ${points}`)
  return `${formatBar(score)} ${String(score).padStart(3)}${named.length === 0 ? '' : `  ${named.join(', ')}`}`
}
