import type { ErrorCode } from '@rollcall/contracts'
import type { InstanceHealth, InstanceState, WantedState } from '@rollcall/contracts/admin'
import type { ReportedState } from '@rollcall/contracts/agent'

/** The steps that a host does for an instance. */
export const INSTANCE_STEPS = ['prepare', 'start', 'restart', 'stop', 'remove'] as const
export type InstanceStepName = (typeof INSTANCE_STEPS)[number]

/** A step under way. It is a command, which ends by itself. */
export interface OpenStep {
  name: InstanceStepName
  generation: number
  /** The revision of that generation. */
  revisionId: string
  commandId: string
}

/** Failures of the same step in a row. */
export interface StepFailures {
  count: number
  since: Date
  code: ErrorCode | null
  reason: string
  /** Null when it was given up: it waits for a person, or for another order. */
  retryAt: Date | null
}

/** A slot of a service on a host, by what was ordered and what became of it. */
export interface Instance {
  /** Eight hex digits, which name its units and its folder. */
  id: string
  serviceId: string
  /** `PROJECT/SERVICE.SLOT`. */
  name: string
  slot: number
  /** Null where no host fitted. */
  hostId: string | null
  /** The generation of the newest order for the slot. */
  generation: number
  revisionId: string
  /** Since when that order may be carried out; null while it waits for another slot. */
  admittedAt: Date | null
  wanted: WantedState
  state: InstanceState
  health: InstanceHealth
  reasonCode: ErrorCode | null
  reason: string | null
  /** The newest generation that its host has prepared; 0 for none. */
  preparedGeneration: number
  /** The newest generation whose start was begun, so that it may run; 0 once its stop has succeeded. */
  begunGeneration: number
  /** The newest generation whose start has succeeded, and its revision; 0 once its stop has succeeded. */
  startedGeneration: number
  startedRevisionId: string | null
  isRestartWanted: boolean
  step: OpenStep | null
  /** A step was ever sent to its host. */
  isOnHost: boolean
  /** Steps of this order so far: each has an id of its own. */
  attempts: number
  /** When the last step began and ended. */
  stepBegunAt: Date | null
  stepEndedAt: Date | null
  failures: StepFailures | null
}

/** An instance as its host reports it, read and bounded. */
export interface ReportedInstance {
  generation: number
  state: ReportedState
  health: InstanceHealth
  reason: string | null
}

/** Knowledge of an instance by its host. `at` is when a server heard it. */
export type KnownReport =
  | { kind: 'reported'; at: Date; said: ReportedInstance }
  /** The host reports, and does not have it. */
  | { kind: 'absent'; at: Date }
  /** The host cannot report, for this reason. */
  | { kind: 'unsupported'; at: Date; code: ErrorCode; reason: string }

/** The host of an instance, by its heartbeats. */
export interface InstanceHost {
  name: string
  isAnswering: boolean
  /** It is being installed, upgraded or removed, which ends in another state. */
  isBusy: boolean
}
