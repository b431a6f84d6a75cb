import type { ReactNode } from 'react'
import { blocks, ErrorState, Waiting } from './states.tsx'

export interface LoadedQuery<D> {
  data: D | undefined
  error: unknown
  refetch(): unknown
}

/** Shows what a query has brought; until then that it is on its way, or why it does not come. */
export function Loaded<D>({ query, children }: { query: LoadedQuery<D>; children(data: D): ReactNode }) {
  if (blocks(query)) return <ErrorState error={query.error} onRetry={() => void query.refetch()} />
  return query.data === undefined ? <Waiting /> : children(query.data)
}
