import type { Instance, InstanceHost, InstanceStepName, KnownReport } from './driven-instance.ts'
import { type InstanceMove, toMove, WAIT } from './instance-move.ts'
import { settle } from './settle.ts'

export interface InstanceView {
  instance: Instance
  /** Null where the instance has none, or where it has left the fleet. */
  host: InstanceHost | null
}

/**
 * Decides the next step of an instance. Pure. Any server may ask, as often as it likes: what to do follows from the order, from what was done
 * of it, and from what the host says. Nothing is ever stopped because it is missing somewhere.
 */
export function instanceStep(
  { instance, host }: InstanceView,
  report: KnownReport | null,
  now: Date,
): InstanceMove {
  if (instance.step !== null || instance.state === 'gone') return WAIT
  if (host === null) return withoutHost(instance)
  if (host.isBusy) return WAIT
  const step = nextStep(instance, report)
  if (!host.isAnswering) return interrupt(instance, host, step)
  if (step === null) return settle(instance, report, now)
  const { failures, state, health } = instance
  if (failures === null) return { do: 'command', step }
  const { code, retryAt } = failures
  if (retryAt === null) return noteFailure(instance, failures)
  if (now >= retryAt) return { do: 'command', step }
  const reason = `The last step failed and is tried again soon: ${failures.reason}`
  return toMove(instance, { state, health, code, reason }, retryAt)
}

/** Returns what its host has to do next; null when all is done, or when something else has to come first. */
function nextStep(instance: Instance, report: KnownReport | null): InstanceStepName | null {
  const { wanted, generation, preparedGeneration, begunGeneration, isOnHost, admittedAt } = instance
  // One that no host has ever heard of needs no removal.
  if (wanted === 'gone') return isOnHost ? 'remove' : null
  if (wanted === 'stopped') return begunGeneration === 0 ? null : 'stop'
  if (admittedAt === null || isNewer(instance, report)) return null
  if (isStarted(instance, report)) return instance.isRestartWanted ? 'restart' : null
  return preparedGeneration < generation ? 'prepare' : 'start'
}

/** Tells whether the start of this generation has succeeded, by its answer or, where that was lost, by the host's report since. */
function isStarted(instance: Instance, report: KnownReport | null): boolean {
  const { generation, startedGeneration, begunGeneration, stepBegunAt } = instance
  if (startedGeneration >= generation) return true
  if (begunGeneration < generation || report?.kind !== 'reported' || stepBegunAt === null) return false
  const { said, at } = report
  return at >= stepBegunAt && said.generation === generation && STARTED.has(said.state)
}

const STARTED: ReadonlySet<string> = new Set(['running', 'finished', 'held'])

const isNewer = (instance: Instance, report: KnownReport | null) =>
  report?.kind === 'reported' && report.said.generation > instance.generation

function withoutHost(instance: Instance): InstanceMove {
  if (instance.wanted === 'gone') return toMove(instance, { state: 'gone' })
  if (instance.hostId === null) return WAIT
  return toMove(instance, {
    state: 'failed',
    code: 'host.not_found',
    reason: 'Its host has left the fleet. Plan and apply its service again, which places it elsewhere.',
  })
}

/** A silent host is not a dead one: what it was ordered last goes on there. */
function interrupt(instance: Instance, host: InstanceHost, step: InstanceStepName | null): InstanceMove {
  const isAtRest = step === null && (instance.wanted !== 'running' || instance.begunGeneration === 0)
  if (isAtRest) return settle(instance, null, null)
  const isRunning = step === null || step === 'restart'
  const reason = isRunning
    ? `Nothing is heard of ${host.name}, where it may still run.`
    : `Nothing is heard of ${host.name}; the next step there is to ${step} it.`
  return toMove(instance, { state: 'interrupted', code: 'agent.unreachable', reason })
}

/** Says that a step was given up, without hiding that the generation before still runs where its successor was not begun. */
function noteFailure(instance: Instance, failures: NonNullable<Instance['failures']>): InstanceMove {
  const { startedGeneration, begunGeneration, generation, health } = instance
  const { code, reason } = failures
  const isOldRunning =
    startedGeneration > 0 && begunGeneration === startedGeneration && begunGeneration < generation
  if (!isOldRunning) return toMove(instance, { state: 'failed', code, reason })
  const sentence = `Generation ${startedGeneration} runs on, since generation ${generation} could not replace it: ${reason}`
  return toMove(instance, { state: 'running', health, code, reason: sentence })
}
