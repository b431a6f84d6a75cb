import { isFinalState } from '../commands/schemas.ts'
import type { PlaybookHost } from './schemas.ts'

/** The result of a plan, by number of hosts. */
export interface PlanVerdict {
  total: number
  /** On which it could be made to its end: only of these it is known what would change. */
  planned: number
  /** The hosts that would be changed. */
  changing: number
  /** On which it failed, was lost or was cancelled. */
  failed: number
}

/** Groups hosts in the same state that were, or would be, changed in the same way; the largest first. */
export function groupByOutcome(hosts: readonly PlaybookHost[]): PlaybookHost[][] {
  const groups = Map.groupBy(hosts, ({ state, way, digest, commandId }) =>
    [state, way, digest ?? commandId].join(' '),
  )
  return [...groups.values()].sort((a, b) => b.length - a.length)
}

/** Counts what a plan says. A host on which it failed says nothing, whatever its tasks before had found. */
export function planVerdict(hosts: readonly Pick<PlaybookHost, 'state' | 'totals'>[]): PlanVerdict {
  const planned = hosts.filter(({ state }) => state === 'success')
  const open = hosts.filter(({ state }) => !isFinalState(state))
  return {
    total: hosts.length,
    planned: planned.length,
    changing: planned.filter(({ totals }) => (totals?.changed ?? 0) > 0).length,
    failed: hosts.length - planned.length - open.length,
  }
}
