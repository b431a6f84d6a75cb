import { type LabelTerm, matchesLabels, parseSelector } from '@rollcall/contracts/admin'

/** The hosts that exist for somebody: those whose labels fit every term. Null for all. */
export type HostScope = readonly LabelTerm[] | null

export const WHOLE_FLEET: HostScope = null

/** Stored selectors were checked when they were given; one that cannot be read fits no host, and never all of them. */
export function scopeFrom(selectors: readonly string[] | null): HostScope {
  if (selectors === null) return WHOLE_FLEET
  return selectors.flatMap((text) => {
    const terms = parseSelector(text)
    return typeof terms === 'string' ? [{ key: text, operator: 'in' as const, values: [] }] : terms
  })
}

export const isInScope = (scope: HostScope, labels: Readonly<Record<string, string>>): boolean =>
  scope === null || matchesLabels(scope, labels)

/** Returns the argument of `host_fits(labels, $n::jsonb)`. */
export const scopeParameter = (scope: HostScope): string | null =>
  scope === null ? null : JSON.stringify(scope)

/** The hosts that both have. */
export function intersectScopes(one: HostScope, other: HostScope): HostScope {
  if (one === null || other === null) return one ?? other
  return [...one, ...other]
}

/** The terms of a scope about one label, together. */
interface Constraint {
  /** Null where every value may be. */
  allowed: ReadonlySet<string> | null
  denied: ReadonlySet<string>
  mayBeAbsent: boolean
  mayBePresent: boolean
}

const FREE: Constraint = { allowed: null, denied: new Set(), mayBeAbsent: true, mayBePresent: true }

function constrained(before: Constraint, { operator, values }: LabelTerm): Constraint {
  if (operator === 'exists') return { ...before, mayBeAbsent: false }
  if (operator === 'absent') return { ...before, mayBePresent: false }
  if (operator === 'notIn') return { ...before, denied: new Set([...before.denied, ...values]) }
  const allowed = new Set(values.filter((value) => before.allowed?.has(value) ?? true))
  return { ...before, allowed, mayBeAbsent: false }
}

/** The values that are left of `allowed`; null where all but `denied` are. */
const valuesLeft = ({ allowed, denied, mayBePresent }: Constraint): string[] | null =>
  mayBePresent ? allowed && [...allowed].filter((value) => !denied.has(value)) : []

function implies(constraint: Constraint, { operator, values }: LabelTerm): boolean {
  const left = valuesLeft(constraint)
  switch (operator) {
    case 'exists':
      return !constraint.mayBeAbsent
    case 'absent':
      return left?.length === 0
    case 'in':
      return !constraint.mayBeAbsent && left !== null && left.every((value) => values.includes(value))
    case 'notIn':
      return values.every((value) => (left === null ? constraint.denied.has(value) : !left.includes(value)))
  }
}

/** Checks that every host that could be in `inner`, whatever its labels, is in `outer` as well. */
export function isNarrower(inner: HostScope, outer: HostScope): boolean {
  if (outer === null) return true
  const constraints = new Map<string, Constraint>()
  for (const term of inner ?? [])
    constraints.set(term.key, constrained(constraints.get(term.key) ?? FREE, term))
  const fitsNone = [...constraints.values()].some(
    (constraint) => !constraint.mayBeAbsent && valuesLeft(constraint)?.length === 0,
  )
  return fitsNone || outer.every((term) => implies(constraints.get(term.key) ?? FREE, term))
}

/** Tells whether a scope sees a collection: one for some hosts if the scope has some of them, one for all if it is all hosts. */
export function isCollectionFor(scope: HostScope, { labels }: { labels: readonly string[] | null }): boolean {
  if (scope === null) return true
  if (labels === null) return false
  const terms = scopeFrom(labels)
  return isNarrower(terms, scope) || isNarrower(scope, terms)
}

/** The labels that a scope speaks of: they were delegated with it. */
export const keysOf = (scope: HostScope): string[] => [...new Set((scope ?? []).map(({ key }) => key))]

type Labels = Readonly<Record<string, string>>

/** The labels that are given, taken or changed from `before` to `after` although a scope does not speak of them. Pure. */
export function undelegatedLabels(scope: HostScope, before: Labels, after: Labels): string[] {
  if (scope === null) return []
  const delegated = new Set(keysOf(scope))
  const labelOf = (labels: Labels, key: string) => (Object.hasOwn(labels, key) ? labels[key] : undefined)
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (key) => !delegated.has(key) && labelOf(before, key) !== labelOf(after, key),
  )
}
