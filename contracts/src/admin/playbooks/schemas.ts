import { z } from 'zod'
import { sha256 } from '../../agent/file-entries.ts'
import { playbookVariables } from '../../agent/playbooks.ts'
import { jsonValue } from '../../json.ts'
import { uuid } from '../../text.ts'
import { commandState } from '../commands/schemas.ts'
import { playbookMode, runView } from '../runs/schemas.ts'
import { defineStates, type StateDescriptor } from '../states.ts'
import { exactlyOneTarget, runLimits, targetShape } from '../targets.ts'

/** `NAME` of one that comes with the server, `COLLECTION/NAME` of one that users have added. */
export const playbookName = z
  .string()
  .regex(/^(?:[a-z0-9][a-z0-9_-]{0,62}\/)?[a-z0-9][a-z0-9_-]{0,99}$/, 'must be the name of a playbook')
const count = z.int().min(0)

export const variableType = z.enum(['str', 'int', 'float', 'bool', 'list', 'dict', 'path', 'raw'])
export type VariableType = z.infer<typeof variableType>

/** One variable of a playbook, as its role's `argument_specs` describes it. */
export const playbookVariable = z.strictObject({
  name: z.string(),
  description: z.string(),
  type: variableType,
  /** The type of a list's items. */
  elements: variableType.nullable(),
  isRequired: z.boolean(),
  /** It is never shown: forms and logs leave it out. */
  isSecret: z.boolean(),
  /** Text in it is a template that Ansible fills in; in all others it is data. Left out for data. */
  isTemplate: z.literal(true).optional(),
  choices: z.array(jsonValue).nullable(),
  /** The default value; undefined if there is none. */
  default: jsonValue.optional(),
  /** The default is only in the argument specs, which Ansible does not apply, so the server passes it. */
  isDefaultGiven: z.boolean().default(false),
})
export type PlaybookVariable = z.infer<typeof playbookVariable>

export const playbookView = z.strictObject({
  name: playbookName,
  title: z.string(),
  description: z.string(),
  variables: z.array(playbookVariable),
  /** The version of its collection, a hash over its content; null for one that ships with the server. */
  version: sha256.nullable(),
})
export type PlaybookView = z.infer<typeof playbookView>

/** How a playbook reaches a host: `auto` uses the agent if it answers at the start, and SSH otherwise. */
export const playbookVia = z.enum(['auto', 'agent', 'ssh'])

export const newPlaybookRun = z
  .strictObject({
    /** Chosen by the caller, so that a request whose answer was lost can be repeated; generated if missing. */
    runId: uuid.optional(),
    ...targetShape,
    limits: runLimits.optional(),
    mode: playbookMode.exclude(['apply']).default('run'),
    /** Tells of differences; a plan always does. */
    diff: z.boolean().default(false),
    variables: playbookVariables.default({}),
    via: playbookVia.default('auto'),
    /** Milliseconds until the playbook is ended. */
    timeoutMs: z.int().min(1000).max(86_400_000).default(1_800_000),
  })
  .superRefine(exactlyOneTarget)
export type NewPlaybookRun = z.infer<typeof newPlaybookRun>

export const TASK_STATUS = defineStates<StateDescriptor>()({
  ok: { tone: 'ok', sign: '✓', urgency: 4 },
  changed: { tone: 'warn', sign: '±', urgency: 3 },
  failed: { tone: 'bad', sign: '✕', urgency: 0, isFailure: true },
  skipped: { tone: 'faint', sign: '–', urgency: 5 },
  rescued: { tone: 'warn', sign: '↩', urgency: 2 },
  unreachable: { tone: 'bad', sign: '✕', urgency: 1, isFailure: true },
})
export const taskStatus = TASK_STATUS.schema

export const taskTotals = TASK_STATUS.counts(count)
export type TaskTotals = z.infer<typeof taskTotals>

/** The result of one task on one host. Fields that a task hides by `no_log` are empty, and `isHidden` is true. */
export const taskResult = z.strictObject({
  /** Counts the tasks of the play, from 1. */
  task: count,
  name: z.string().max(300),
  status: taskStatus,
  /** It failed, and the playbook says that this does not matter. */
  isIgnored: z.boolean(),
  isHidden: z.boolean(),
  message: z.string().max(2000),
  /** Unified diffs, one after the other; many lines, of what a host says. */
  diff: z.string().max(16 * 1024),
  durationMs: count,
})
export type TaskResult = z.infer<typeof taskResult>

export const playbookHost = z.strictObject({
  commandId: uuid,
  host: z.string(),
  state: commandState,
  reason: z.string().nullable(),
  /** Which way it went; null before it was begun. */
  way: playbookVia.exclude(['auto']).nullable(),
  totals: taskTotals.nullable(),
  /** Hosts with the same digest would be changed, or were, in the same way. */
  digest: sha256.nullable(),
})
export type PlaybookHost = z.infer<typeof playbookHost>

export const playbookRunView = z.strictObject({
  run: runView,
  playbook: playbookName,
  /** The version of its collection that it is held to; null for one that comes with the server. */
  version: sha256.nullable(),
  mode: playbookMode,
  via: playbookVia,
  /** The plan that it applies. */
  planId: uuid.nullable(),
  /** The names of what was given; values may be secret. */
  variables: z.array(z.string()),
  hosts: z.array(playbookHost),
})
export type PlaybookRunView = z.infer<typeof playbookRunView>
