import { RETRY_POLICIES, RollcallError, retryAt, sanitizeText } from '@rollcall/contracts'
import type { ImageSpareState } from '@rollcall/contracts/admin'

/** The images of a revision that are to be on a spare host. */
export interface DueSpare {
  serviceId: string
  hostId: string
  revisionId: string
  /** Deliveries that failed in a row. */
  failures: number
}

/** How a delivery of images to a spare host ended. */
export interface SpareOutcome {
  state: ImageSpareState
  reason: string | null
  failures: number
  /** When it is tried again. */
  dueAt: Date
}

const MAX_REASON = 500

/** Decides what follows a delivery: nothing where the images are there, and another try where they are not. Pure; `random` is from 0 to 1. */
export function toSpareOutcome(
  { failures }: Pick<DueSpare, 'failures'>,
  error: unknown,
  now: Date,
  random: number,
): SpareOutcome {
  if (error === null) return { state: 'there', reason: null, failures: 0, dueAt: now }
  // Another server goes on, or this one once it is started again.
  if (error instanceof RollcallError && error.code === 'image.pull_stopped')
    return { state: 'waiting', reason: null, failures, dueAt: now }
  const count = failures + 1
  const reason = error instanceof RollcallError ? error.message : 'Internal error of the server; see its log.'
  return {
    state: 'failed',
    reason: sanitizeText(reason, MAX_REASON),
    failures: count,
    dueAt: retryAt(RETRY_POLICIES.spare, count, now, random),
  }
}
