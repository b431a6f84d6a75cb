import { type AgentSort, agentSort, HOST_STATES, type HostState } from '@rollcall/contracts/admin'
import { queryOptions } from '@tanstack/react-query'
import { call } from '../../api/client.ts'
import type { StateCounts } from '../../api/use-fleet.ts'

/** What of the fleet is shown, as it stands in the page's address. */
export interface FleetView {
  search?: string
  labels?: string
  states?: HostState[]
  sort?: AgentSort
  direction?: 'asc' | 'desc'
}

/** Characters of a search or a selector in a page's address. */
export const MAX_FILTER_CHARS = 200

/** Always offered as a filter, though there be no such host at the moment. */
const LISTED: readonly HostState[] = ['online', 'degraded', 'offline']

export const isFiltered = ({ search, labels, states }: FleetView) =>
  search !== undefined || labels !== undefined || states !== undefined

/** The states that are offered as filters: a filter that is on is always among them, so that it can be seen and switched off. */
export const shownStates = ({ states }: FleetView, counts: StateCounts): HostState[] =>
  HOST_STATES.filter(
    (state) => LISTED.includes(state) || (counts[state] ?? 0) > 0 || states?.includes(state) === true,
  )

/** The states of the filter after one was switched on or off; undefined for all. */
export function toggledStates({ states = [] }: FleetView, state: HostState): HostState[] | undefined {
  const next = states.includes(state) ? states.filter((each) => each !== state) : [...states, state]
  return next.length > 0 ? next : undefined
}

export const countOf = (counts: StateCounts, states: readonly HostState[]) =>
  states.reduce((sum, state) => sum + (counts[state] ?? 0), 0)

/** Whatever an address says: what makes no sense is left out. */
export function readFleetView(search: Record<string, unknown>): FleetView {
  const text = (value: unknown) =>
    typeof value === 'string' || typeof value === 'number' ? String(value).slice(0, MAX_FILTER_CHARS) : ''
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

export const toFleetQuery = ({ states, ...view }: FleetView) => ({
  ...view,
  ...(states && { states: states.join(',') }),
})

/** The first hosts of a view, and how many there are in each state. */
export const firstHosts = (view: FleetView) => {
  const query = toFleetQuery(view)
  return queryOptions({
    queryKey: ['agents', query, 0],
    queryFn: ({ signal }) => call('listAgents', { query: { ...query, limit: WINDOW, offset: 0 } }, signal),
  })
}

/** What is measured is looked at for what is most: the first click shows that first, and of all else what comes first. */
const DESCENDING_FIRST: readonly AgentSort[] = ['cpu', 'memory', 'disk']
const firstDirection = (sort: AgentSort) => (DESCENDING_FIRST.includes(sort) ? 'desc' : 'asc')

/** The order after a click on a column's head: another column, or the same one the other way round. */
export function sortedBy(
  { sort = 'host', direction = 'asc' }: FleetView,
  next: AgentSort,
): Partial<FleetView> {
  const isTurned = sort === next
  const wanted = isTurned ? (direction === 'desc' ? 'asc' : 'desc') : firstDirection(next)
  return { sort: next, direction: wanted === 'desc' ? 'desc' : undefined }
}
