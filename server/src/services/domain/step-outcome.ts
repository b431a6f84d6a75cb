import { type ErrorCode, nextRetry, RETRY_POLICIES } from '@rollcall/contracts'
import type { WantedState } from '@rollcall/contracts/admin'
import type { Instance, InstanceStepName, OpenStep, StepFailures } from './driven-instance.ts'
import type { InstanceMove } from './instance-move.ts'

/** How the command of a step ended. */
export type StepOutcome =
  | { isDone: true; at: Date }
  | { isDone: false; at: Date; code: ErrorCode | null; reason: string; isCancelled: boolean }

/** Failures that another try does not mend. */
const FINAL_CODES: ReadonlySet<string> = new Set([
  'instance.order_invalid',
  'instance.generation_old',
  'instance.fence_unsupported',
  'image.not_found',
  'image.architecture',
  'collection.not_found',
  'secret.not_found',
])

/** The change of an instance by a step that has ended. */
export type StepResult = Pick<
  Instance,
  | 'preparedGeneration'
  | 'begunGeneration'
  | 'startedGeneration'
  | 'startedRevisionId'
  | 'isRestartWanted'
  | 'failures'
  | 'state'
  | 'step'
  | 'stepEndedAt'
>

/** Returns what is known of an instance whose step has begun. Pure. */
export function withBegunStep(instance: Instance, name: InstanceStepName, commandId: string, now: Date) {
  const isStart = name === 'start' || name === 'restart'
  return {
    step: { name, generation: instance.generation, revisionId: instance.revisionId, commandId },
    isOnHost: true,
    attempts: instance.attempts + 1,
    stepBegunAt: now,
    // From here on it may run, whatever becomes of the answer.
    begunGeneration: isStart ? instance.generation : instance.begunGeneration,
    state: BUSY_STATE[name],
    reasonCode: instance.failures?.code ?? null,
    reason: instance.failures === null ? null : `Trying again after: ${instance.failures.reason}`,
  }
}

const BUSY_STATE = {
  prepare: 'preparing',
  start: 'starting',
  restart: 'starting',
  stop: 'stopping',
  remove: 'stopping',
} as const satisfies Record<InstanceStepName, Instance['state']>

/** Returns what is known of an instance whose state is noted: one that its host says runs was started, even if the answer of its start was lost. Pure. */
export function withNote(instance: Instance, note: Extract<InstanceMove, { do: 'note' }>) {
  const { state, health, code: reasonCode, reason } = note
  const { begunGeneration, generation, revisionId } = instance
  const isStarted = state === 'running' || state === 'finished' || state === 'held'
  const isNews = isStarted && begunGeneration === generation && instance.startedGeneration < generation
  const startedGeneration = isNews ? generation : instance.startedGeneration
  const startedRevisionId = isNews ? revisionId : instance.startedRevisionId
  return { state, health, reasonCode, reason, startedGeneration, startedRevisionId }
}

/** Returns what is known of an instance whose step has ended. Pure; `random` is from 0 to 1. Throws nothing: an outcome is never refused. */
export function withOutcome(instance: Instance, outcome: StepOutcome, random: number): StepResult {
  const { step } = instance
  const unchanged: StepResult = {
    preparedGeneration: instance.preparedGeneration,
    begunGeneration: instance.begunGeneration,
    startedGeneration: instance.startedGeneration,
    startedRevisionId: instance.startedRevisionId,
    isRestartWanted: instance.isRestartWanted,
    failures: null,
    state: instance.state,
    step: null,
    stepEndedAt: outcome.at,
  }
  if (step === null) return { ...unchanged, failures: instance.failures }
  if (outcome.isDone || isGoneAnyway(step.name, outcome.code))
    return { ...unchanged, ...doneBy(step, instance) }
  // An order that came meanwhile begins anew.
  const isCurrent = step.generation === instance.generation && LEADS_TO[step.name] === instance.wanted
  return {
    ...unchanged,
    ...(outcome.code === 'instance.unknown' && FORGOTTEN),
    failures: isCurrent ? withFailure(instance.failures, outcome, random) : null,
  }
}

const LEADS_TO = {
  prepare: 'running',
  start: 'running',
  restart: 'running',
  stop: 'stopped',
  remove: 'gone',
} as const satisfies Record<InstanceStepName, WantedState>

/** Its host has nothing of it: all begins with its preparation. */
const FORGOTTEN = { preparedGeneration: 0, startedGeneration: 0, startedRevisionId: null }

const isGoneAnyway = (step: InstanceStepName, code: ErrorCode | null) =>
  code === 'instance.unknown' && (step === 'stop' || step === 'remove')

function doneBy({ name, generation, revisionId }: OpenStep, instance: Instance): Partial<StepResult> {
  switch (name) {
    case 'prepare':
      return { preparedGeneration: Math.max(generation, instance.preparedGeneration) }
    case 'start':
    case 'restart':
      return {
        startedGeneration: generation,
        startedRevisionId: revisionId,
        begunGeneration: generation,
        isRestartWanted: false,
      }
    case 'stop':
      return { ...NOTHING_RUNS, isRestartWanted: false, state: 'stopped' }
    case 'remove':
      return { ...NOTHING_RUNS, preparedGeneration: 0, state: 'gone' }
  }
}

const NOTHING_RUNS = { begunGeneration: 0, startedGeneration: 0, startedRevisionId: null }

function withFailure(
  before: StepFailures | null,
  { at, code, reason, isCancelled }: Extract<StepOutcome, { isDone: false }>,
  random: number,
): StepFailures {
  const count = (before?.count ?? 0) + 1
  const since = before?.since ?? at
  const retry = nextRetry(RETRY_POLICIES.instance, { count, since }, at, random)
  const isFinal = isCancelled || (code !== null && FINAL_CODES.has(code))
  return { count, since, code, reason, retryAt: isFinal || retry.do === 'give_up' ? null : retry.at }
}
