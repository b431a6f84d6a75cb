import { z } from 'zod'
import { COMMAND_METHODS } from '../../agent/commands.ts'
import { plainText, uuid } from '../../text.ts'
import { COMMAND_STATE, type CommandState, commandView, outputChunk } from '../commands/schemas.ts'
import { defineStates, type StateDescriptor } from '../states.ts'
import { exactlyOneTarget, runLimits, target, targetShape } from '../targets.ts'

const agentParams = COMMAND_METHODS.execute_command.params.shape

/** The program without its target: shared by runs, saved commands and schedules. */
export const programShape = {
  program: agentParams.command,
  args: agentParams.args,
  env: agentParams.env,
  cwd: agentParams.cwd,
  /** Milliseconds until the command is ended. */
  timeoutMs: z
    .int()
    .min(100)
    .max(30 * 86_400_000)
    .default(3_600_000),
  /** Milliseconds that the host may take to accept the command, once it is its turn; after that it is not started any more. */
  startWithinMs: z.int().min(1000).max(86_400_000).default(600_000),
}

/** A program as it is shown: of its environment the names only, for the values may be secrets. */
export const programView = z.strictObject({
  program: z.string(),
  args: z.array(z.string()),
  envNames: z.array(z.string()),
  cwd: z.string(),
  timeoutMs: z.int(),
  startWithinMs: z.int(),
})

export const newRun = z
  .strictObject({
    /** Chosen by the caller, so that a request whose answer was lost can be repeated; generated if missing. */
    runId: uuid.optional(),
    ...targetShape,
    limits: runLimits.optional(),
    ...programShape,
    /**
     * An earlier run whose environment holds for this one too, beneath `env`: its values are known to the server alone. Only
     * for the same program, arguments and folder, on hosts or by labels of that run.
     */
    envOf: uuid.optional(),
    tty: z.boolean().default(false),
    columns: agentParams.columns,
    rows: agentParams.rows,
    /** Keeps standard input open for `input`. */
    stdin: z.boolean().default(false),
  })
  .superRefine(exactlyOneTarget)
export type NewRun = z.infer<typeof newRun>
export type NewRunInput = z.input<typeof newRun>

/** A host that fits but was left out, and why. */
export const skippedHost = z.strictObject({ host: z.string(), reason: plainText(200) })
export type SkippedHost = z.infer<typeof skippedHost>

export const runAccepted = z.strictObject({
  runId: uuid,
  commands: z.array(commandView),
  skipped: z.array(skippedHost),
})
export type RunAccepted = z.infer<typeof runAccepted>

const count = z.int().min(0)

/** The state of a command within its run: one that is held differs from one that starts. */
export const RUN_STATE = defineStates<StateDescriptor>()({
  held: { tone: 'faint', sign: '‖', urgency: 2 },
  ...COMMAND_STATE.table,
})
export type RunState = (typeof RUN_STATE.names)[number]
export const toRunState = ({ state, isHeld }: { state: CommandState; isHeld: boolean }): RunState =>
  isHeld ? 'held' : state

/** Hosts by the state of their command. `held` wait for their turn in a run with limits; `pending` are on their way. */
export const runCounts = RUN_STATE.counts(count)
export type RunCounts = z.infer<typeof runCounts>

/** `plan` is `--check --diff`: it changes nothing, and can be applied. */
export const playbookMode = z.enum(['run', 'plan', 'apply'])

/** The playbook of a run. */
export const runPlaybookView = z.strictObject({
  name: z.string(),
  mode: playbookMode,
  /** The plan that it applies. */
  planId: uuid.nullable(),
  /** The run that has applied it last, where it is a plan. */
  appliedBy: uuid.nullable(),
})
export type RunPlaybookView = z.infer<typeof runPlaybookView>

export const runView = z.strictObject({
  id: uuid,
  program: z.string(),
  args: z.array(z.string()),
  cwd: z.string(),
  timeoutMs: z.int(),
  target: z.strictObject({
    by: z.enum(['hosts', 'labels', 'all']),
    /** The selectors, where it is by labels. */
    labels: z.array(z.string()),
  }),
  limits: runLimits.nullable(),
  /** Null for a run of a program. */
  playbook: runPlaybookView.nullable(),
  requestedBy: z.string(),
  /** The name of the saved command that it came from. */
  savedCommand: z.string().nullable(),
  schedule: z.string().nullable(),
  createdAt: z.iso.datetime(),
  /** Null until every command has ended. */
  endedAt: z.iso.datetime().nullable(),
  cancelRequested: z.boolean(),
  /** When it stopped beginning on further hosts because too many had failed. */
  stoppedAt: z.iso.datetime().nullable(),
  /** How many hosts it is for. */
  total: count,
  counts: runCounts,
  skipped: z.array(skippedHost),
})
export type RunView = z.infer<typeof runView>

export const targetPreviewRequest = z.strictObject(targetShape).superRefine(exactlyOneTarget)

/** The most hosts that a preview names; more are only counted. */
export const PREVIEWED_HOSTS = 50

/** The hosts that a run would be for, as they are now. */
export const targetPreview = z.strictObject({
  total: count,
  hosts: z.array(z.string()).max(PREVIEWED_HOSTS),
  /** Hosts that fit and would be left out. */
  skippedTotal: count,
  skipped: z.array(skippedHost).max(PREVIEWED_HOSTS),
})
export type TargetPreview = z.infer<typeof targetPreview>

/** The request of a run, so that it can be repeated. */
export const runOrder = z.strictObject({
  ...programView.shape,
  target,
  limits: runLimits.nullable(),
  tty: z.boolean(),
  stdin: z.boolean(),
})
export type RunOrderView = z.infer<typeof runOrder>

export const runQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  /** Only runs before the one with this id, for paging. */
  before: uuid.optional(),
})

/** Bytes of each command's output that count when outputs are compared; of longer ones the size counts too. */
export const COMPARED_BYTES = 1024 * 1024
/** Bytes of a group's output that the summary shows. */
export const SAMPLE_BYTES = 4096

/** How far a command is, or how it ended. */
const commandOutcome = commandView.pick({
  state: true,
  isHeld: true,
  exitCode: true,
  signal: true,
  reasonCode: true,
  reason: true,
})

/** Hosts on which the command ended alike: same state, exit code and reason, same bytes on stdout and on stderr. */
export const outcomeGroup = z.strictObject({
  ...commandOutcome.shape,
  hosts: z.array(z.string()),
  /** The command whose reason and output represent the group. */
  commandId: uuid,
  outputBytes: z.int(),
  droppedBytes: z.int(),
  /** False if outputs are so long that only their first MiB and size were compared. */
  isComparedWhole: z.boolean(),
  /** The beginning of the output; empty for a command that has not ended. */
  sample: z.array(outputChunk),
  /** False where there is more of it, to be read as the output of `commandId`. */
  isSampleWhole: z.boolean(),
})
export type OutcomeGroup = z.infer<typeof outcomeGroup>

export const runSummary = z.strictObject({ run: runView, groups: z.array(outcomeGroup) })
export type RunSummary = z.infer<typeof runSummary>

/** A command of a followed run: what changes while it is under way. */
export const runCommand = z.strictObject({ id: uuid, host: z.string(), ...commandOutcome.shape })
export type RunCommand = z.infer<typeof runCommand>
