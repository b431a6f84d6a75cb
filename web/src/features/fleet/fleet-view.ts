import { type AgentSort, agentSort, HOST_STATES, type HostState } from '@rollcall/contracts/admin'
import { queryOptions } from '@tanstack/react-query'
import { call } from '../../api/client.ts'

/** What of the fleet is shown, as it stands in the page's address. */
export interface FleetView {
  search?: string
  labels?: string
  states?: HostState[]
  sort?: AgentSort
  direction?: 'asc' | 'desc'
}

/** Whatever an address says: what makes no sense is left out. */
export function readFleetView(search: Record<string, unknown>): FleetView {
  const text = (value: unknown) =>
    typeof value === 'string' || typeof value === 'number' ? String(value).slice(0, 200) : ''
  const states = HOST_STATES.filter((state) => [search.states].flat().includes(state))
  const sort = agentSort.safeParse(search.sort)
  return {
    ...(text(search.search) && { search: text(search.search) }),
    ...(text(search.labels) && { labels: text(search.labels) }),
    ...(states.length > 0 && { states }),
    ...(sort.success && { sort: sort.data }),
    ...(search.direction === 'desc' && { direction: 'desc' as const }),
  }
}

/** Hosts that are read at a time. */
export const WINDOW = 100

export const fleetQueryOf = ({ states, ...view }: FleetView) => ({
  ...view,
  ...(states && { states: states.join(',') }),
})

/** The first hosts of a view, and how many there are in each state. */
export const firstHosts = (view: FleetView) => {
  const query = fleetQueryOf(view)
  return queryOptions({
    queryKey: ['agents', query, 0],
    queryFn: ({ signal }) => call('listAgents', { query: { ...query, limit: WINDOW, offset: 0 } }, signal),
  })
}
