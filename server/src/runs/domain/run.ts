import {
  RUN_STATE,
  type RunCounts,
  type RunLimits,
  type RunPlaybookView,
  type SkippedHost,
} from '@rollcall/contracts/admin'
import type { StopCause } from './admissions.ts'

/** One request to run a program on hosts. */
export interface Run {
  id: string
  bodyHash: string
  requestedBy: string
  requesterKind: string | null
  requesterId: string | null
  createdAt: Date
  program: string
  args: string[]
  cwd: string
  timeoutMs: number
  total: number
  /** Null where hosts were named. */
  target: { labels?: string[] | undefined; all?: true | undefined } | null
  skipped: SkippedHost[]
  limits: RunLimits | null
  /** Null for a run of a program. */
  playbook: RunPlaybookView | null
  cancelRequestedAt: Date | null
  stoppedAt: Date | null
  savedCommand: string | null
  schedule: string | null
}

/** How far a run has come. */
export interface Progress {
  counts: RunCounts
  /** When the last command ended; null while any has not. */
  endedAt: Date | null
}

export interface ShownRun {
  run: Run
  progress: Progress
}

export const noCounts = (): RunCounts =>
  Object.fromEntries(RUN_STATE.names.map((state) => [state, 0])) as RunCounts

export const hasEnded = (counts: RunCounts): boolean =>
  RUN_STATE.except('isOver').every((state) => counts[state] === 0)

/** Returns why a command that was held will never begin. */
export const stopReason = (cause: StopCause): string =>
  'refusal' in cause
    ? `Not begun: the run stopped, for ${cause.refusal}. Whoever may run it can do so again.`
    : failedReason(cause.failed)

const failedReason = (failed: number): string =>
  `Not begun: the run stopped after ${failed} ${failed === 1 ? 'host' : 'hosts'} had failed. Run it again on this host when the cause is found.`
