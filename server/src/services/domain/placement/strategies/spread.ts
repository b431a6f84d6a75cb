import type { FleetColumns, LabelColumn } from '../fleet-columns.ts'
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
  const { groupOf, domainsOf, domainCount } = toDomains(fleet, keys)
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

/** Groups hosts by their values of all keys, kept with the fleet. */
function toDomains(fleet: FleetColumns, keys: readonly string[]): Domains {
  return fleet.keep(`domains ${keys.join(',')}`, () => {
    const columns = keys.map((key) => fleet.label(key))
    const offsets: number[] = []
    let domainCount = 0
    for (const { values } of columns) {
      offsets.push(domainCount)
      domainCount += values.length
    }
    const groupOf = columns.reduce(splitGroups, new Int32Array(fleet.size))
    const domainsOf: number[][] = []
    for (let at = 0; at < fleet.size; at++)
      domainsOf[groupOf[at] as number] ??= columns.map(
        ({ ids }, key) => (offsets[key] ?? 0) + (ids[at] as number),
      )
    return { groupOf, domainsOf, domainCount }
  })
}

/** Splits groups by the values of one more label. Returns the new group of each host. */
function splitGroups(groupOf: Int32Array, { ids, values }: LabelColumn): Int32Array {
  const numbers = new Map<number, number>()
  const split = new Int32Array(groupOf.length)
  for (let at = 0; at < split.length; at++) {
    const pair = (groupOf[at] as number) * values.length + (ids[at] as number)
    const group = numbers.get(pair) ?? numbers.size
    if (group === numbers.size) numbers.set(pair, group)
    split[at] = group
  }
  return split
}
