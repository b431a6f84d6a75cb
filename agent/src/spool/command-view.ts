import { isAlive, type ProcessIdentity } from '../platform/processes.ts'
import type { CommandView, HostView } from './command-state.ts'
import { type CommandPaths, listIds, type SpoolPaths } from './spool-paths.ts'
import { readClaim, readExit, readSpec, type SpecRecord } from './spool-records.ts'

/** Lists the ids of the commands in the spool. */
export const commandIds = (paths: SpoolPaths): string[] => listIds(paths.commands)

/** Reads a command's records, the final `exit` last. Returns null if it was never fully accepted. `cached` saves reading its spec. */
export function readView(paths: CommandPaths, cached?: SpecRecord): CommandView | null {
  const spec = cached ? { record: cached, isUnreadable: false } : readSpec(paths)
  if (spec.record === null && !spec.isUnreadable) return null
  const claim = readClaim(paths)
  const exit = readExit(paths)
  return {
    spec: spec.record,
    isClaimed: claim.isClaimed,
    started: claim.record,
    exit: exit.record,
    isUnreadable: [spec, claim, exit].some((reading) => reading.isUnreadable),
  }
}

/**
 * Tells whether the command's runner is alive. A runner passes `myself` and treats a claim without details as dead, since no other
 * runner exists; the agent cannot know who made such a claim, and treats it as alive.
 */
export function toHostView(
  view: CommandView,
  bootId: string,
  myself: ProcessIdentity | null = null,
): HostView {
  const runner = view.started?.runner
  if (runner === undefined) return { bootId, isRunnerAlive: myself === null }
  const isMe = runner.pid === myself?.pid && runner.start === myself.start
  return { bootId, isRunnerAlive: isMe || isAlive(runner) }
}
