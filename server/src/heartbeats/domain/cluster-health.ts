import type { ClusterHealth, HostState } from '@rollcall/contracts/admin'

const OFFLINE: HostState[] = ['offline', 'credentials_refused', 'identity_changed']

/** Fewer healthy hosts than this share, and the whole is critical. */
const CRITICAL_BELOW_PERCENT = 50

/** The fleet in one word and some numbers. Pure. */
export function clusterHealthOf(states: Partial<Record<HostState, number>>): ClusterHealth {
  const count = (...names: HostState[]) => names.reduce((sum, name) => sum + (states[name] ?? 0), 0)
  const total = count(...(Object.keys(states) as HostState[]))
  const healthy = count('online')
  const degraded = count('degraded')
  const offline = count(...OFFLINE)
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
