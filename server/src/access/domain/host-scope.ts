import { type LabelTerm, matchesLabels, parseSelector } from '@rollcall/contracts/admin'

/** The hosts visible to a principal: those whose labels match every term. Null for all hosts. */
export type HostScope = readonly LabelTerm[] | null

export const WHOLE_FLEET: HostScope = null

/** Parses stored selectors. An unreadable selector matches no host instead of all. */
export function scopeFrom(selectors: readonly string[] | null): HostScope {
  if (selectors === null) return WHOLE_FLEET
  return selectors.flatMap((text) => {
    const terms = parseSelector(text)
    return typeof terms === 'string' ? [{ key: text, operator: 'in' as const, values: [] }] : terms
  })
}

export const isInScope = (scope: HostScope, labels: Readonly<Record<string, string>>): boolean =>
  scope === null || matchesLabels(scope, labels)

/** Returns the argument for `host_fits(labels, $n::jsonb)`. */
export const scopeParameter = (scope: HostScope): string | null =>
  scope === null ? null : JSON.stringify(scope)

/** Returns the scope of the hosts in both. */
export function intersectScopes(one: HostScope, other: HostScope): HostScope {
  if (one === null || other === null) return one ?? other
  return [...one, ...other]
}

/** The combined terms of a scope about one label. */
interface Constraint {
  /** Null if every value is allowed. */
  allowed: ReadonlySet<string> | null
  denied: ReadonlySet<string>
  mayBeAbsent: boolean
  mayBePresent: boolean
}

const UNCONSTRAINED: Constraint = { allowed: null, denied: new Set(), mayBeAbsent: true, mayBePresent: true }

function constrain(before: Constraint, { operator, values }: LabelTerm): Constraint {
  if (operator === 'exists') return { ...before, mayBeAbsent: false }
  if (operator === 'absent') return { ...before, mayBePresent: false }
  if (operator === 'notIn') return { ...before, denied: new Set([...before.denied, ...values]) }
  const allowed = new Set(values.filter((value) => before.allowed?.has(value) ?? true))
  return { ...before, allowed, mayBeAbsent: false }
}

/** Returns the possible values; null if all but `denied` are. */
const remainingValues = ({ allowed, denied, mayBePresent }: Constraint): string[] | null =>
  mayBePresent ? allowed && [...allowed].filter((value) => !denied.has(value)) : []

function implies(constraint: Constraint, { operator, values }: LabelTerm): boolean {
  const left = remainingValues(constraint)
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

/** Tells whether every possible host in `inner` is also in `outer`. */
export function isNarrower(inner: HostScope, outer: HostScope): boolean {
  if (outer === null) return true
  const constraints = new Map<string, Constraint>()
  for (const term of inner ?? [])
    constraints.set(term.key, constrain(constraints.get(term.key) ?? UNCONSTRAINED, term))
  const fitsNone = [...constraints.values()].some(
    (constraint) => !constraint.mayBeAbsent && remainingValues(constraint)?.length === 0,
  )
  return fitsNone || outer.every((term) => implies(constraints.get(term.key) ?? UNCONSTRAINED, term))
}

/** Tells whether a collection of playbooks is visible in a scope. */
export function isCollectionFor(scope: HostScope, { labels }: { labels: readonly string[] | null }): boolean {
  if (scope === null) return true
  if (labels === null) return false
  const terms = scopeFrom(labels)
  return isNarrower(terms, scope) || isNarrower(scope, terms)
}

/** Returns the label keys of a scope, which are delegated with it. */
export const scopeKeys = (scope: HostScope): string[] => [...new Set((scope ?? []).map(({ key }) => key))]

type Labels = Readonly<Record<string, string>>

/** Returns the keys of labels added, removed or changed that are not in the scope. Pure. */
export function undelegatedLabels(scope: HostScope, before: Labels, after: Labels): string[] {
  if (scope === null) return []
  const delegated = new Set(scopeKeys(scope))
  const labelOf = (labels: Labels, key: string) => (Object.hasOwn(labels, key) ? labels[key] : undefined)
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (key) => !delegated.has(key) && labelOf(before, key) !== labelOf(after, key),
  )
}
