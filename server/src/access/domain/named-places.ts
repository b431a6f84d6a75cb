import { type RouteScope, SCOPED_KINDS, type ScopedKind } from '@rollcall/contracts/admin'

/** A resource that a request names, and where it names it. */
export interface NamedPlace {
  kind: ScopedKind
  part: 'params' | 'query'
  key: string
}

/**
 * Returns the resources that requests of a route name and that may lie outside the caller's scope, by the route's
 * declared scope.
 */
export function namedPlaces(scope: RouteScope): NamedPlace[] {
  if (typeof scope === 'string') return []
  const places: Partial<Record<ScopedKind, string>> = 'filtered' in scope ? scope.filtered : scope
  return SCOPED_KINDS.flatMap((kind) => {
    const [part, key] = (places[kind] ?? '').split('.')
    return (part === 'params' || part === 'query') && key !== undefined ? [{ kind, part, key }] : []
  })
}
