/** The state of one background task on this server. */
export interface TaskStatus {
  name: string
  intervalMs: number
  /** Null between two runs. */
  runningSince: Date | null
  /** Null while its last run succeeded, or none has ended. */
  failingSince: Date | null
  failuresInARow: number
}

/** A passing trouble, such as a database that is restarted, is no news. */
const FAILING_AFTER_MS = 60_000
const MIN_FAILURES = 3
/** A run that takes this long, and ten intervals, will hardly end. */
const STUCK_AFTER_MS = 600_000
const STUCK_INTERVALS = 10

/** Returns a sentence for each task that has kept failing or whose run does not end. Pure. */
export function taskWarnings(tasks: readonly TaskStatus[], now: Date): string[] {
  return tasks.flatMap((task) => {
    const { name, intervalMs, runningSince, failingSince, failuresInARow } = task
    const stuckAfterMs = Math.max(STUCK_AFTER_MS, STUCK_INTERVALS * intervalMs)
    if (runningSince && now.getTime() - runningSince.getTime() >= stuckAfterMs)
      return `The background task ${name} has been running since ${runningSince.toISOString()} without an end. Restart this server, and look at its log.`
    const isFailing =
      failingSince !== null &&
      failuresInARow >= MIN_FAILURES &&
      now.getTime() - failingSince.getTime() >= FAILING_AFTER_MS
    return isFailing
      ? `The background task ${name} has failed ${failuresInARow} times since ${failingSince.toISOString()}. Look at the log of this server.`
      : []
  })
}
