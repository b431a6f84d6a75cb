import type { Explanation } from './placement/explanation.ts'

/** Lists the hosts that an explanation names. */
export const hostsOfExplanation = ({ best, rejections }: Explanation): string[] => [
  ...best.map(({ host }) => host),
  ...rejections.flatMap(({ examples }) => examples.map(({ host }) => host)),
]

/**
 * Leaves out of an explanation what is beyond the hosts that somebody may see: their names, what they have instead, and how many there
 * are.
 */
export function toVisibleExplanation(
  { best, rejections }: Explanation,
  visible: ReadonlySet<string>,
): Explanation {
  const shown = rejections
    .map((rejection) => {
      const examples = rejection.examples.filter(({ host }) => visible.has(host))
      return { ...rejection, count: examples.length, examples }
    })
    .filter(({ count }) => count > 0)
  const seen = best.filter(({ host }) => visible.has(host))
  return {
    best: seen,
    rejections: shown,
    hosts: seen.length + shown.reduce((sum, { count }) => sum + count, 0),
  }
}
