import type { Schedule } from './schedule.ts'

export interface ScheduleView extends Pick<Schedule, 'isEnabled' | 'nextAt' | 'graceMs' | 'overlap'> {
  /** True while the run that it began last has not ended. */
  isPreviousRunning: boolean
  /** The first planned time after a moment; null when there is none any more. */
  next(after: Date): Date | null
}

export type ScheduleDecision =
  | { do: 'wait' }
  /** Begin the run of this planned time. `reason` names earlier ones that were missed. */
  | { do: 'run'; plannedAt: Date; nextAt: Date | null; reason: string | null }
  /** Skip it, for a reason. */
  | { do: 'skip'; outcome: 'overlapped' | 'missed'; plannedAt: Date; nextAt: Date | null; reason: string }

/**
 * Decides what to do with a schedule. Pure. Of several planned times that have passed only the latest counts, if it is within the grace:
 * a schedule never makes up for more than one.
 */
export function decideSchedule(view: ScheduleView, now: Date): ScheduleDecision {
  const { nextAt: due, graceMs } = view
  if (!view.isEnabled || due === null || due > now) return { do: 'wait' }
  const nextAt = view.next(now)
  const plannedAt = latestPlanned(view, due, new Date(now.getTime() - graceMs), now)
  if (plannedAt === null)
    return {
      do: 'skip',
      outcome: 'missed',
      plannedAt: due,
      nextAt,
      reason: `Nothing could be begun within ${graceMs / 1000} s of the planned time: no server ran, or its database was away. What was planned up to ${now.toISOString()} is left out.`,
    }
  if (view.isPreviousRunning && view.overlap === 'skip')
    return {
      do: 'skip',
      outcome: 'overlapped',
      plannedAt,
      nextAt,
      reason: 'The run before had not ended.',
    }
  const reason = plannedAt > due ? `What was planned from ${due.toISOString()} on was missed before.` : null
  return { do: 'run', plannedAt, nextAt, reason }
}

/** Returns the latest planned time up to `now` that is not before `earliest`; null when there is none. */
function latestPlanned(view: ScheduleView, due: Date, earliest: Date, now: Date): Date | null {
  let latest: Date | null = null
  let candidate: Date | null = due >= earliest ? due : view.next(new Date(earliest.getTime() - 1))
  while (candidate && candidate <= now) {
    latest = candidate
    candidate = view.next(candidate)
  }
  return latest
}
