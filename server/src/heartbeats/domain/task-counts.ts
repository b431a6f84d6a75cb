import type { EndedCommand } from '../../commands/index.ts'

/** How commands that ended together went on one host. */
export interface TaskCount {
  hostId: string
  hasSuccess: boolean
  failures: number
  /** When the last of them ended. */
  at: Date
}

/**
 * Counts, for each host, how the commands went that say something of its health: those that a person ran and that came to an
 * end of their own. Returns the hosts in the order of their ids, in which their rows are locked. Pure.
 */
export function toTaskCounts(ended: readonly EndedCommand[]): TaskCount[] {
  const telling = ended.filter(({ kind, ending }) => kind === 'command' && isOwnEnd(ending.state))
  const byHost = Map.groupBy(telling, ({ hostId }) => hostId)
  return [...byHost]
    .map(([hostId, commands]) => ({
      hostId,
      hasSuccess: commands.some(({ ending }) => ending.state === 'success'),
      failures: commands.filter(({ ending }) => ending.state !== 'success').length,
      at: new Date(Math.max(...commands.map(({ at }) => at.getTime()))),
    }))
    .toSorted((a, b) => (a.hostId < b.hostId ? -1 : 1))
}

/** One that was cancelled or lost says nothing of its host. */
const isOwnEnd = (state: EndedCommand['ending']['state']) =>
  state === 'success' || state === 'failed' || state === 'timed_out'
