import type { RunLimits } from '@rollcall/contracts/admin'

/** A run with limits, as it is at one moment. Positions are places in the order in which it begins on its hosts. */
export interface AdmissionView {
  limits: RunLimits
  /** How many hosts the whole run is for. */
  total: number
  /** Commands that wait for their turn, the first ones in order; at least one more than could be admitted, or all. */
  held: readonly { id: string; position: number }[]
  /** Positions of those whose turn it is and that have not ended. */
  active: readonly number[]
  /** Hosts that failed, timed out or were lost. */
  failed: number
}

/** Number of hosts that failed, or why the run's requester may not continue it. */
export type StopCause = { failed: number } | { refusal: string }

export interface Admissions {
  /** Commands whose turn it is from now on. */
  admit: string[]
  /** Set when nothing further begins: all that are held are to end. */
  stop?: StopCause
}

/** Changes that one decision made. */
export interface Turn {
  runId: string
  admitted: string[]
  stopped: string[]
  /** More commands are held than were looked at. */
  hasMore: boolean
}

/** Decides whose turn is next. Pure. While commands are held and none is active, it either admits one or stops the run. */
export function nextAdmissions({ limits, total, held, active, failed }: AdmissionView): Admissions {
  const [first] = held
  if (!first) return { admit: [] }
  if (limits.stopAfterFailures !== undefined && failed >= limits.stopAfterFailures)
    return { admit: [], stop: { failed } }
  const size = waveSize(limits.batch, total)
  const waveOf = (position: number) => Math.floor(position / size)
  const wave = waveOf(first.position)
  // Whatever is active was admitted before the first that is held, so that it is of this wave or an earlier one.
  if (active.some((position) => waveOf(position) < wave)) return { admit: [] }
  const room = Math.max(0, (limits.concurrency ?? total) - active.length)
  const admit = held.filter(({ position }) => waveOf(position) === wave).slice(0, room)
  return { admit: admit.map(({ id }) => id) }
}

/** Returns how many hosts are in one wave: a share is rounded down, and a wave has at least one. */
export function waveSize(batch: RunLimits['batch'], total: number): number {
  if (batch === undefined) return Math.max(1, total)
  if (typeof batch === 'number') return batch
  return Math.max(1, Math.floor((total * Number.parseInt(batch, 10)) / 100))
}
