import type { FleetColumns, LabelColumn } from '../fleet-columns.ts'
import { runToEnd } from '../run-to-end.ts'
import { type ValueColumn, ValueColumnBuilder } from '../value-column.ts'
import type { Strategy } from './strategy.ts'

/** The part of the range that is for different hosts, where labels are to differ too. */
const HOST_PART = 1 / 3

/** One domain is one value of one label; a host is in one domain of each key. */
interface Domains {
  groupOf: Int32Array
  /** The domains of each group. */
  domainsOf: readonly (readonly number[])[]
  domainCount: number
}

/**
 * Prefers hosts that have fewer instances of the service, and whose labels of the keys given have values with fewer of
 * them. Hosts without the label count as having one value of their own.
 */
export const spread: Strategy = ({ spread: keys }, { fleet, plan }, range) => {
  const { counts } = plan
  const hostRange = keys.length === 0 ? range : Math.floor(range * HOST_PART)
  const points = (at: number) => Math.floor(hostRange / (1 + (counts[at] as number)))
  if (keys.length === 0) return { points }
  const { groupOf, domainsOf, domainCount } = runToEnd(readDomains(fleet, keys))
  const domainCounts = new Int32Array(domainCount)
  const add = (at: number, count: number) => {
    for (const domain of domainsOf[groupOf[at] as number] ?? [])
      domainCounts[domain] = (domainCounts[domain] as number) + count
  }
  for (let at = 0; at < fleet.size; at++) if (counts[at] !== 0) add(at, counts[at] as number)
  return {
    points,
    groups: {
      size: domainsOf.length,
      groupOf,
      points(group) {
        let shares = 0
        for (const domain of domainsOf[group] ?? []) shares += 1 / (1 + (domainCounts[domain] as number))
        return Math.floor(((range - hostRange) * shares) / keys.length)
      },
      take: (at) => add(at, 1),
    },
  }
}

/** Groups hosts by their values of all keys, unless the fleet has that already. Yields between short steps. */
export function* readDomains(fleet: FleetColumns, keys: readonly string[]): Generator<void, Domains> {
  return yield* fleet.keepSteps(`domains ${keys.join(',')}`, () => groupHosts(fleet, keys))
}

function* groupHosts(fleet: FleetColumns, keys: readonly string[]): Generator<void, Domains> {
  const columns: LabelColumn[] = []
  for (const key of keys) columns.push(yield* fleet.readLabel(key))
  const offsets: number[] = []
  let domainCount = 0
  for (const { values } of columns) {
    offsets.push(domainCount)
    domainCount += values.length
  }
  const [first, ...others] = columns
  let groups: ValueColumn<unknown> = first ?? { ids: new Int32Array(fleet.size), values: [undefined] }
  for (const column of others) {
    groups = splitGroups(groups, column)
    yield
  }
  const domainsOf = firstHosts(groups).map((at) =>
    columns.map(({ ids }, key) => (offsets[key] ?? 0) + (ids[at] as number)),
  )
  return { groupOf: groups.ids, domainsOf, domainCount }
}

/** Splits groups by the values of one more label. Returns the pairs that hosts have. */
function splitGroups(groups: ValueColumn<unknown>, { ids, values }: LabelColumn): ValueColumn<number> {
  const pairs = new ValueColumnBuilder<number>(ids.length)
  for (let at = 0; at < ids.length; at++)
    pairs.set(at, (groups.ids[at] as number) * values.length + (ids[at] as number))
  return pairs
}

/** Returns the first host of each group. Groups are numbered by these. */
function firstHosts({ ids, values }: ValueColumn<unknown>): number[] {
  const hosts: number[] = []
  for (let at = 0; at < ids.length && hosts.length < values.length; at++)
    if (ids[at] === hosts.length) hosts.push(at)
  return hosts
}
