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

/** What `host_fits(labels, $n::jsonb)` takes. */
export const scopeParameter = (scope: HostScope): string | null =>
  scope === null ? null : JSON.stringify(scope)
