import { type AgentSort, agentSort, HOST_STATES, type HostState } from '@rollcall/contracts/admin'
import { queryOptions } from '@tanstack/react-query'
import { call } from '../../api/client.ts'
import type { StateCounts } from '../../api/use-fleet.ts'

/** The part of the fleet that is shown, as the page's address has it. */
export interface FleetView {
  search?: string
  labels?: string
  states?: HostState[]
  sort?: AgentSort
  direction?: 'asc' | 'desc'
}

/** Characters of a search or a selector in a page's address. */
export const MAX_FILTER_CHARS = 200

/** Filters that are offered even while no host is in that state. */
const LISTED: readonly HostState[] = ['online', 'degraded', 'offline']

export const isFiltered = ({ search, labels, states }: FleetView) =>
  search !== undefined || labels !== undefined || states !== undefined

/** Returns the states that are offered as filters. One that is on is always among them, so that it can be switched off. */
export const shownStates = ({ states }: FleetView, counts: StateCounts): HostState[] =>
  HOST_STATES.filter(
    (state) => LISTED.includes(state) || (counts[state] ?? 0) > 0 || states?.includes(state) === true,
  )

/** Returns the states of the filter after one was switched on or off; undefined for all. */
export function toggledStates({ states = [] }: FleetView, state: HostState): HostState[] | undefined {
  const next = states.includes(state) ? states.filter((each) => each !== state) : [...states, state]
  return next.length > 0 ? next : undefined
}

export const countOf = (counts: StateCounts, states: readonly HostState[]) =>
  states.reduce((sum, state) => sum + (counts[state] ?? 0), 0)

/** Reads the view from a page's address, without its invalid parts. */
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

/** Hosts read at a time. */
export const WINDOW = 100

export const toFleetQuery = ({ states, ...view }: FleetView) => ({
  ...view,
  ...(states && { states: states.join(',') }),
})

/** Returns the query for the first hosts of a view, and for how many there are in each state. */
export const firstHosts = (view: FleetView) => {
  const query = toFleetQuery(view)
  return queryOptions({
    queryKey: ['agents', query, 0],
    queryFn: ({ signal }) => call('listAgents', { query: { ...query, limit: WINDOW, offset: 0 } }, signal),
  })
}

/** Measurements, whose first click sorts the highest first. */
const DESCENDING_FIRST: readonly AgentSort[] = ['cpu', 'memory', 'disk']
const firstDirection = (sort: AgentSort) => (DESCENDING_FIRST.includes(sort) ? 'desc' : 'asc')

/** Returns the order after a click on a column's head: by that column, or the other way round. */
export function sortedBy(
  { sort = 'host', direction = 'asc' }: FleetView,
  next: AgentSort,
): Partial<FleetView> {
  const isTurned = sort === next
  const wanted = isTurned ? (direction === 'desc' ? 'asc' : 'desc') : firstDirection(next)
  return { sort: next, direction: wanted === 'desc' ? 'desc' : undefined }
}
