import type { RunView } from '@rollcall/contracts/admin'
import type { Progress, Run } from './domain/run.ts'

/** A run as it is shown. */
export function toRunView(run: Run, { counts, endedAt }: Progress): RunView {
  const { id, program, args, cwd, timeoutMs, limits, requestedBy, savedCommand, schedule, total, skipped } =
    run
  return {
    id,
    program,
    args,
    cwd,
    timeoutMs,
    limits,
    requestedBy,
    savedCommand,
    schedule,
    total,
    counts,
    skipped,
    playbook: run.playbook,
    target: {
      by: run.target === null ? 'hosts' : run.target.all ? 'all' : 'labels',
      labels: run.target?.labels ?? [],
    },
    createdAt: run.createdAt.toISOString(),
    endedAt: endedAt?.toISOString() ?? null,
    cancelRequested: run.cancelRequestedAt !== null,
    stoppedAt: run.stoppedAt?.toISOString() ?? null,
  }
}
