/** One condition of a Match line. */
export interface Criterion {
  attribute: string
  isNegated: boolean
  /** Empty for keywords that take none. */
  argument: string
}

/** The result of a condition that only ssh itself can evaluate, when it runs. */
export const UNDECIDED = Symbol('undecided')

const ALONE = new Set(['all', 'canonical', 'final'])
const WITH_ARGUMENT = new Set([
  'host',
  'originalhost',
  'user',
  'localuser',
  'exec',
  'tagged',
  'localnetwork',
  'command',
  'sessiontype',
  'version',
])

/** Parses the conditions of a Match line. Returns a message if they are invalid. */
export function readCriteria(words: readonly string[]): Criterion[] | string {
  const criteria: Criterion[] = []
  for (let at = 0; at < words.length; at++) {
    const [, negation, name = '', , inline] = /^(!?)([A-Za-z]+)(=(.*))?$/s.exec(words[at] as string) ?? []
    const attribute = name.toLowerCase()
    if (ALONE.has(attribute)) criteria.push({ attribute, isNegated: negation === '!', argument: '' })
    else if (WITH_ARGUMENT.has(attribute)) {
      const argument = inline ?? words[++at]
      if (argument === undefined || argument === '') return `has no value for ${attribute}`
      criteria.push({ attribute, isNegated: negation === '!', argument })
    } else return `has the unknown condition ${words[at]}`
  }
  return criteria
}

/** The host and users that a condition is evaluated for; undefined if unknown. */
export interface MatchSubject {
  originalHost: string
  host: string
  user: string | undefined
  localUser: string | undefined
  isFinal: boolean
}

/** Evaluates a Match line: all conditions must hold. Returns `UNDECIDED` if that depends on one that only ssh can evaluate. */
export function decideMatch(
  criteria: readonly Criterion[],
  subject: MatchSubject,
): boolean | typeof UNDECIDED {
  const answers = criteria.map((criterion) => {
    const answer = holds(criterion, subject)
    return answer === UNDECIDED ? UNDECIDED : answer !== criterion.isNegated
  })
  if (answers.includes(false)) return false
  return answers.includes(UNDECIDED) ? UNDECIDED : true
}

function holds({ attribute, argument }: Criterion, subject: MatchSubject): boolean | typeof UNDECIDED {
  if (attribute === 'all') return true
  // Both stand for the second time that ssh reads its files, in which names may have changed.
  if (attribute === 'canonical' || attribute === 'final') return subject.isFinal
  const { host, originalHost, user, localUser } = subject
  const values = new Map(Object.entries({ host, originalhost: originalHost, user, localuser: localUser }))
  const value = values.get(attribute)
  return value === undefined ? UNDECIDED : matchesHost(argument.split(','), value)
}

/** Evaluates a Host line: one pattern must match, and no negated one. */
export function matchesHost(patterns: readonly string[], name: string): boolean {
  let isMatch = false
  for (const pattern of patterns) {
    const isNegated = pattern.startsWith('!')
    if (!matchesPattern(isNegated ? pattern.slice(1) : pattern, name)) continue
    if (isNegated) return false
    isMatch = true
  }
  return isMatch
}

/** `*` stands for anything, `?` for one character. Walks the pattern without going back over the text more than once for each star. */
export function matchesPattern(pattern: string, text: string): boolean {
  let at = 0
  let star = -1
  let resume = 0
  for (let position = 0; position < text.length; ) {
    if (pattern[at] === '*') {
      star = at++
      resume = position
    } else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === text[position])) {
      at++
      position++
    } else if (star >= 0) {
      at = star + 1
      position = ++resume
    } else return false
  }
  while (pattern[at] === '*') at++
  return at === pattern.length
}
