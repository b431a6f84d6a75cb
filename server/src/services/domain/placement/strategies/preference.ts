import type { Strategy } from './strategy.ts'

/** Prefers hosts whose labels match selectors, in proportion to the weights of these. */
export const preference: Strategy = ({ prefer }, { fleet }, range) => {
  if (prefer.length === 0) return { points: () => 0 }
  const all = prefer.reduce((sum, { weight }) => sum + weight, 0)
  const wanted = prefer.map(({ terms, weight }) => ({
    weight,
    marks: terms.map((term) => fleet.matches(term)),
  }))
  return {
    points(at) {
      let matched = 0
      for (const { weight, marks } of wanted) if (marks.every((each) => each[at] === 1)) matched += weight
      return Math.floor((range * matched) / all)
    },
  }
}
