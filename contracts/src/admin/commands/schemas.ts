import { z } from 'zod'
import { COMMAND_METHODS, logType, MAX_INPUT_BYTES } from '../../agent/commands.ts'
import { plainText, uuid } from '../../text.ts'
import { errorCode } from '../error-body.ts'
import { hostReference } from '../hosts/reference.ts'
import { defineStates, type StateDescriptor } from '../states.ts'

const agentParams = COMMAND_METHODS.execute_command.params.shape

export const COMMAND_STATE = defineStates<StateDescriptor>()({
  pending: { tone: 'faint', sign: '◌', urgency: 2 },
  running: { tone: 'busy', sign: '▶', urgency: 1 },
  success: { tone: 'ok', sign: '✓', urgency: 4, isOver: true },
  failed: { tone: 'bad', sign: '✕', urgency: 0, isOver: true, isFailure: true },
  timed_out: { tone: 'bad', sign: '⏱', urgency: 0, isOver: true, isFailure: true },
  cancelled: { tone: 'warn', sign: '■', urgency: 3, isOver: true, isFailure: true },
  lost: { tone: 'bad', sign: '?', urgency: 0, isOver: true, isFailure: true },
})
export const commandState = COMMAND_STATE.schema
export type CommandState = z.infer<typeof commandState>
export const FINAL_STATES = COMMAND_STATE.that('isOver')
export type FinalState = (typeof FINAL_STATES)[number]
export const isFinalState = (state: CommandState): state is FinalState =>
  COMMAND_STATE.describe(state).isOver === true

/** The source of a command's output: a program or a person's terminal through the agent, a terminal over SSH, an installation or removal, a playbook, which tells of its tasks, an upgrade of the agent, or a step, the log of or a program in an instance of a service. */
export const commandKind = z.enum([
  'command',
  'terminal',
  'ssh_terminal',
  'install',
  'remove',
  'playbook',
  'upgrade',
  'instance',
])
export type CommandKind = z.infer<typeof commandKind>

export const commandView = z.strictObject({
  id: uuid,
  /** The run that it belongs to. */
  runId: uuid,
  kind: commandKind,
  host: z.strictObject({ id: uuid, name: z.string() }),
  program: z.string(),
  args: z.array(z.string()),
  cwd: z.string(),
  tty: z.boolean(),
  timeoutMs: z.int(),
  state: commandState,
  /** It waits for its turn in a run with limits. */
  isHeld: z.boolean(),
  /** Why it ended as it did, or why it has not started: a code and a message. */
  reasonCode: errorCode.nullable(),
  reason: plainText(4000).nullable(),
  exitCode: z.int().nullable(),
  signal: z.string().nullable(),
  /** The API key that asked. */
  requestedBy: z.string(),
  cancelRequested: z.boolean(),
  createdAt: z.iso.datetime(),
  startedAt: z.iso.datetime().nullable(),
  endedAt: z.iso.datetime().nullable(),
  /** Bytes stored so far, and bytes that the host had to cut. */
  outputBytes: z.int(),
  droppedBytes: z.int(),
  /** Bytes of input that its host has taken: the offset of the next ones. */
  inputBytes: z.int(),
})
export type CommandView = z.infer<typeof commandView>

export const outputChunk = z.strictObject({
  /** Offset of the first byte among all bytes of stdout and stderr together. */
  offset: z.int().min(0),
  stream: logType,
  /** base64 */
  data: z.string(),
})
export type OutputChunk = z.infer<typeof outputChunk>

export const commandOutput = z.strictObject({
  chunks: z.array(outputChunk),
  /** Where to read on: all before it has been looked at. */
  nextOffset: z.int(),
  /** Where what was looked at begins; `before` it there may be more. */
  firstOffset: z.int().min(0),
  /** The command has ended and nextOffset is the end of its output. */
  isFinal: z.boolean(),
})
export type CommandOutput = z.infer<typeof commandOutput>

export const outputQuery = z.strictObject({
  offset: z.coerce.number().int().min(0).default(0),
  maxBytes: z.coerce
    .number()
    .int()
    .min(1)
    .max(4 * 1024 * 1024)
    .default(1024 * 1024),
  /** Reads one stream only, and skips what the other wrote in between. */
  stream: logType.optional(),
  /** The last bytes before this offset, instead of those from `offset` on. */
  before: z.coerce.number().int().min(0).optional(),
})
export type OutputQuery = z.infer<typeof outputQuery>

export const commandQuery = z.strictObject({
  /** Only commands of hosts whose name contains this, ignoring case. */
  search: z.string().min(1).max(63).optional(),
  host: hostReference.optional(),
  runId: uuid.optional(),
  state: commandState.optional(),
  kind: commandKind.optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(50),
  /** Only commands before the one with this id, for paging. */
  before: uuid.optional(),
})

export const commandInput = z.strictObject({
  offset: z.int().min(0),
  /** base64 */
  data: z.base64().max(Math.ceil(MAX_INPUT_BYTES / 3) * 4),
  eof: z.boolean().default(false),
})

export const terminalSize = z.strictObject({
  columns: agentParams.columns.unwrap(),
  rows: agentParams.rows.unwrap(),
})
