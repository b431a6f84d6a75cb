import type {
  FiringOutcome,
  programShape,
  RunLimits,
  ScheduleFiring,
  Target,
} from '@rollcall/contracts/admin'
import type { z } from 'zod'

/** A program that only this schedule runs; its environment is in the clear. */
export type OwnCommand = z.output<z.ZodObject<typeof programShape>>

export interface Schedule {
  id: string
  name: string
  description: string
  cron: string
  timeZone: string
  /** Either this or `command`. */
  savedCommand: { id: string; name: string } | null
  command: OwnCommand | null
  target: Target | null
  limits: RunLimits | null
  overlap: 'skip' | 'allow'
  graceMs: number
  isEnabled: boolean
  /** Null while it is paused, and when no time is left. */
  nextAt: Date | null
  createdBy: string
  /** The account that made it, or changed last what it does, with whose rights it runs. Null where that is unknown. */
  owner: { kind: 'user' | 'key' | 'local'; id: string } | null
  createdAt: Date
  updatedAt: Date
}

/** The outcome of a planned time. */
export interface Firing {
  plannedAt: Date
  decidedAt: Date
  outcome: FiringOutcome
  reason: string | null
  runId: string | null
}

/** A firing as it is shown, with the state of its run. */
export type ShownFiring = Firing & Pick<ScheduleFiring, 'runState'>
