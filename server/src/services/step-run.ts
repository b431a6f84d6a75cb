import { type CommandSpec, hashOf, newCommand, stepIdOf, WITHOUT_TERMINAL } from '../commands/index.ts'
import type { NewCommandRun } from '../runs/index.ts'
import { INSTANCE_STEPS, type Instance, type InstanceStepName } from './domain/driven-instance.ts'

/** The program of commands of the kind `instance`, as they are shown. Their first argument says what is done, their second for which instance. */
export const PROGRAM = 'service'
/** An image may have to be brought, or pulled by the host. */
const STEP_TIMEOUT_MS = 30 * 60_000
const START_WITHIN_MS = 30 * 60_000

/** Makes the command of a step, yet to be stored: its id follows from the step, so that it is the same on every server. */
export function toStepRun(
  instance: Pick<Instance, 'id' | 'generation' | 'attempts' | 'hostId'>,
  host: { name: string },
  step: InstanceStepName,
  createdAt: Date,
): NewCommandRun {
  const { id, generation, attempts } = instance
  const args = [step, id, `${generation}`]
  const spec = { program: PROGRAM, args, env: {}, cwd: '/', timeoutMs: STEP_TIMEOUT_MS }
  return toInstanceRun(
    { id: stepIdOf(id, `${generation}/${step}/${attempts + 1}`), requestedBy: 'rollcall', createdAt },
    { id: instance.hostId ?? '', name: host.name },
    { ...spec, startWithinMs: START_WITHIN_MS, ...WITHOUT_TERMINAL },
  )
}

/** Makes a run with one command of the kind `instance`. */
export function toInstanceRun(
  run: Pick<NewCommandRun, 'id' | 'requestedBy' | 'createdAt' | 'requester'>,
  host: { id: string; name: string },
  spec: CommandSpec,
): NewCommandRun {
  const { id, requestedBy, createdAt } = run
  const turn = { position: null, admittedAt: createdAt }
  return {
    ...run,
    bodyHash: hashOf({ kind: 'instance', host: host.id, program: spec.program, args: spec.args }),
    kind: 'instance',
    commands: [newCommand('instance', host, spec, { runId: id, requestedBy, createdAt }, turn)],
  }
}

/** The step that a command of the kind `instance` does. */
export interface StepRequest {
  step: InstanceStepName
  instanceId: string
  generation: number
}

/** Reads the step from the arguments of a command; null for one that does another thing, such as reading a log. */
export function toStepRequest([verb, instanceId, generation]: readonly string[]): StepRequest | null {
  const step = INSTANCE_STEPS.find((name) => name === verb)
  if (!step || instanceId === undefined || generation === undefined) return null
  return { step, instanceId, generation: Number(generation) }
}
