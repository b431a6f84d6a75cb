import { type ErrorCode, isErrorCode, parseJson, sanitizeText } from '@rollcall/contracts'
import { z } from 'zod'
import type { EndedProgram, Ending } from '../../commands/index.ts'
import type { InstanceStepName } from './driven-instance.ts'
import type { StepOutcome } from './step-outcome.ts'

const MAX_MESSAGE_LENGTH = 1000
/** The tasks of a playbook that a host tells. */
const MAX_TASKS = 200
const MAX_TASK_LENGTH = 200

/** The answer of the host program to a step. It is hostile input: bounded, and shown as text only. */
const stepAnswer = z.union([
  z.object({ prepared: z.literal(true), generation: z.int().min(1) }),
  z.object({
    state: z.string().max(32),
    generation: z.int().min(1).optional(),
    tasks: z.array(z.string().max(MAX_TASK_LENGTH)).max(MAX_TASKS).optional(),
  }),
  z.object({ error: z.object({ code: z.string().max(100), message: z.string().max(4000) }) }),
])

/** The states that steps end in; a start that leaves jobs behind may have ended them all. */
const REACHED = {
  prepare: [],
  start: ['running', 'starting', 'finished', 'held'],
  restart: ['running', 'starting', 'finished', 'held'],
  stop: ['stopped'],
  remove: ['gone'],
} as const satisfies Record<InstanceStepName, readonly string[]>

const readAnswer = ({ stdout }: EndedProgram) =>
  parseJson(stepAnswer, stdout.trimEnd().split('\n').at(-1) ?? '')

/** Returns the tasks of the playbook that a step has run, fit for a log; none of one that ran no playbook. Pure. */
export function toStepTasks(ended: EndedProgram): string[] {
  const answer = readAnswer(ended)
  const tasks = answer && 'state' in answer ? (answer.tasks ?? []) : []
  return tasks.map((task) => sanitizeText(task, MAX_TASK_LENGTH))
}

/** Decides how the command of a step ends by what the host program answered. Pure. */
export function toStepEnding(step: InstanceStepName, ended: EndedProgram): Ending {
  const { exitCode } = ended
  const answer = readAnswer(ended)
  if (answer && 'error' in answer) return failed(exitCode, toCode(answer.error.code), answer.error.message)
  const isReached =
    answer && ('prepared' in answer ? step === 'prepare' : isOneOf(REACHED[step], answer.state))
  if (exitCode === 0 && isReached) return { state: 'success', exitCode }
  const said =
    answer && 'state' in answer
      ? `it says that the instance is ${answer.state}`
      : 'it says nothing that is known'
  return failed(
    exitCode,
    'agent.invalid_answer',
    `The host program ended with ${exitCode ?? 'a signal'}, and ${said}. Look at the log of the step, and at the host.`,
  )
}

const isOneOf = (states: readonly string[], state: string) => states.includes(state)

function failed(exitCode: number | null, reasonCode: ErrorCode, message: string): Ending {
  return { state: 'failed', exitCode, reasonCode, reason: sanitizeText(message.trim(), MAX_MESSAGE_LENGTH) }
}

/** A host says only what is about instances on it. */
const toCode = (code: string): ErrorCode =>
  isErrorCode(code) && /^(instance\.|host\.container_storage_broken$)/.test(code)
    ? code
    : 'instance.step_failed'

/** Returns what became of a step by the end of its command. Pure. */
export function toStepOutcome({ state, reasonCode, reason }: Ending, at: Date): StepOutcome {
  if (state === 'success') return { isDone: true, at }
  return {
    isDone: false,
    at,
    code: reasonCode ?? null,
    reason: reason ?? `The step ended as ${state}.`,
    isCancelled: state === 'cancelled',
  }
}
