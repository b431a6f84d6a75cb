import { type ClusterHealth, HOST_STATE, type HostState } from '@rollcall/contracts/admin'

/** Fewer healthy hosts than this share, and the whole is critical. */
const CRITICAL_BELOW_PERCENT = 50

/** The fleet in one word and some numbers. Pure. */
export function clusterHealthOf(states: Partial<Record<HostState, number>>): ClusterHealth {
  const sum = (names: readonly HostState[]) => names.reduce((total, name) => total + (states[name] ?? 0), 0)
  const countOf = (health: 'healthy' | 'degraded' | 'offline') =>
    sum(HOST_STATE.names.filter((name) => HOST_STATE.describe(name).health === health))
  const total = sum(HOST_STATE.names)
  const healthy = countOf('healthy')
  const degraded = countOf('degraded')
  const offline = countOf('offline')
  const percentage = total === 0 ? 100 : Math.floor((1000 * healthy) / total) / 10
  return {
    health: healthOf(total, healthy, percentage),
    total,
    healthy,
    degraded,
    offline,
    other: total - healthy - degraded - offline,
    percentage,
    states,
  }
}

function healthOf(total: number, healthy: number, percentage: number): ClusterHealth['health'] {
  if (total === 0) return 'empty'
  if (healthy === total) return 'healthy'
  return percentage < CRITICAL_BELOW_PERCENT ? 'critical' : 'degraded'
}
