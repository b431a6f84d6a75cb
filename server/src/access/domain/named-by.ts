import type { RouteScope } from '@rollcall/contracts/admin'

export const SCOPED_KINDS = ['host', 'command', 'run', 'transfer'] as const
export type ScopedKind = (typeof SCOPED_KINDS)[number]

/** Reads what a route's path names, by its declared scope. Returns null for a route that names nothing that could lie outside of a scope. */
export function namedBy(scope: RouteScope): { kind: ScopedKind; param: string } | null {
  if (typeof scope === 'string') return null
  const places = scope as Partial<Record<ScopedKind, string>>
  const kind = SCOPED_KINDS.find((each) => places[each] !== undefined)
  if (kind === undefined) return null
  return { kind, param: (places[kind] ?? '').replace('params.', '') }
}
