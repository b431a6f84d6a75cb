import { type RouteScope, SCOPED_KINDS, type ScopedKind } from '@rollcall/contracts/admin'

/** One thing that a request names, and where it names it. */
export interface NamedPlace {
  kind: ScopedKind
  part: 'params' | 'query'
  key: string
}

/** Reads from a route's declared scope what its requests name that could lie outside of a caller's scope. Returns nothing for a route that names no such thing. */
export function namedPlaces(scope: RouteScope): NamedPlace[] {
  if (typeof scope === 'string') return []
  const places: Partial<Record<ScopedKind, string>> = 'filtered' in scope ? scope.filtered : scope
  return SCOPED_KINDS.flatMap((kind) => {
    const [part, key] = (places[kind] ?? '').split('.')
    return (part === 'params' || part === 'query') && key !== undefined ? [{ kind, part, key }] : []
  })
}
