import { z } from 'zod'
import { type ErrorCode, maySay } from '../errors.ts'
import { plainText, uuid } from '../text.ts'
import { defineMethod } from './method.ts'

const noNul = (maxLength: number) =>
  z
    .string()
    .max(maxLength)
    .regex(/^[^\0]*$/, 'must not contain a NUL character')
const epochMs = z.int().min(0)
const byteCount = z.int().min(0)
const columns = z.int().min(1).max(1000)
const base64 = (maxBytes: number) => z.string().max(Math.ceil(maxBytes / 3) * 4)

/** The most output, in bytes, that one `get_command_log` answers with. */
export const MAX_LOG_BYTES = 4 * 1024 * 1024
/** The longest that `get_command_log` waits for news, in milliseconds. */
export const MAX_WAIT_MS = 25_000
/** The most input, in bytes, that one `write_input` carries. */
export const MAX_INPUT_BYTES = 64 * 1024

export const logType = z.enum(['stdout', 'stderr'])
export type LogType = z.infer<typeof logType>

export const finalStatus = z.enum(['success', 'failed', 'timed_out', 'cancelled', 'lost'])
export type FinalStatus = z.infer<typeof finalStatus>
export const commandStatus = z.enum(['running', ...finalStatus.options])
export type CommandStatus = z.infer<typeof commandStatus>

/** How a command ended. */
export const commandResult = z.strictObject({
  status: finalStatus,
  /** True if the program exited with 0. */
  success: z.boolean(),
  /** Bytes that the program wrote and the spool kept. */
  stdout: byteCount,
  stderr: byteCount,
  /** Bytes that were dropped because the spool was full; a marker in the log shows where. */
  dropped: byteCount,
  /** The program's exit code; null when a signal ended it or it never ran. */
  return_code: z.int().min(0).max(255).nullable(),
  /** The signal that ended it, such as `SIGKILL`. */
  signal: z
    .string()
    .regex(/^SIG[A-Z0-9+]{1,12}$/)
    .nullable(),
  /** Why it is `failed` to start or `lost`, by code; null otherwise. */
  reason: z
    .custom<ErrorCode>((code) => maySay('agent', code), 'must be an error code of an agent')
    .nullable(),
  /** The same as a message. */
  message: plainText(1000).nullable(),
  started_at_ms: epochMs.nullable(),
  ended_at_ms: epochMs,
})
export type CommandResult = z.infer<typeof commandResult>

const commandId = uuid.describe('chosen by the server; the same id never starts a second program')

const logChunk = z.strictObject({ log_type: logType, log_data: base64(MAX_LOG_BYTES) })

export const COMMAND_METHODS = {
  execute_command: defineMethod({
    summary:
      'Starts a program in the background and answers without waiting for it. The same command_id sent again answers with the state of the first; with other parameters it is refused as command.id_conflict.',
    params: z.strictObject({
      command_id: commandId,
      /** A program, looked up on PATH. A shell runs only when the caller names one. */
      command: noNul(4096).min(1),
      args: z.array(noNul(131_071)).max(4096).default([]),
      env: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,255}$/), noNul(131_071)).default({}),
      cwd: noNul(4096).regex(/^\//, 'must be an absolute path').default('/'),
      /** Seconds until TERM goes to the whole process group, and KILL ten seconds later. */
      timeout: z
        .number()
        .min(0.1)
        .max(30 * 86_400),
      tty: z.boolean().default(false),
      columns: columns.default(80),
      rows: columns.default(24),
      /** True if standard input stays open for write_input; otherwise it is /dev/null. A terminal always has one. */
      stdin: z.boolean().default(false),
    }),
    result: z.strictObject({ command_id: commandId, status: commandStatus }),
    reachedBy: [
      'addSchedule',
      'changeSchedule',
      'execInInstance',
      'openTerminal',
      'readInstanceLogs',
      'readServiceLogs',
      'run',
      'runSavedCommand',
    ],
    effect: 'idempotent',
  }),
  get_command_log: defineMethod({
    summary:
      'Reads output from a byte offset on, stdout and stderr in the order in which they were written. With wait_ms it answers as soon as there is news: output, or the end.',
    params: z.strictObject({
      command_id: commandId,
      /** Bytes of stdout and stderr together. A character may straddle two answers: join before decoding. */
      offset: byteCount,
      wait_ms: z.int().min(0).max(MAX_WAIT_MS).default(0),
      max_bytes: z
        .int()
        .min(1)
        .max(MAX_LOG_BYTES)
        .default(1024 * 1024),
      /** Everything below this offset is stored by the caller and may be dropped from the host's disk. */
      acknowledged_offset: byteCount.default(0),
    }),
    result: z.strictObject({
      /** base64 of the first run of bytes of one kind; empty when there is nothing new. */
      log_data: base64(MAX_LOG_BYTES),
      log_type: logType,
      /** The runs that follow, in order, so that interleaved output costs no call per line. */
      further: z.array(logChunk).max(10_000),
      /** `offset` plus all bytes in this answer. */
      new_offset: byteCount,
      /** The program has ended and new_offset is the end of its output. */
      is_final: z.boolean(),
      result: commandResult.nullable(),
    }),
    // It unlinks what is acknowledged; asked again, it gives the same.
    reachedBy: [],
    effect: 'idempotent',
  }),
  cancel_command: defineMethod({
    summary:
      'Asks a command to end: TERM to its process group, KILL ten seconds later. Does nothing to one that has ended.',
    params: z.strictObject({ command_id: commandId }),
    result: z.strictObject({ command_id: commandId, status: commandStatus }),
    reachedBy: ['cancelCommand', 'cancelRun'],
    effect: 'idempotent',
  }),
  withdraw_command: defineMethod({
    summary:
      'Takes back a command that may not have started: if it has not, it never will, even when its execute_command arrives later. Says whether it was taken back; one that has started goes on.',
    params: z.strictObject({ command_id: commandId }),
    result: z.strictObject({ command_id: commandId, withdrawn: z.boolean() }),
    reachedBy: ['cancelCommand', 'cancelRun'],
    effect: 'idempotent',
  }),
  release_command: defineMethod({
    summary:
      'Says that result and output of an ended command are stored, so that the host may forget them. The id stays known for a day: it can never start again.',
    params: z.strictObject({ command_id: commandId }),
    result: z.strictObject({ command_id: commandId, released: z.boolean() }),
    reachedBy: [],
    effect: 'idempotent',
  }),
  write_input: defineMethod({
    summary:
      'Writes to standard input or the terminal of a command. Bytes below those already written are skipped, so it may be sent again.',
    params: z.strictObject({
      command_id: commandId,
      /** Offset of the first byte of `data` in the whole input. */
      offset: byteCount,
      data: base64(MAX_INPUT_BYTES),
      /** Closes the input after `data`. */
      eof: z.boolean().default(false),
    }),
    result: z.strictObject({ command_id: commandId, accepted: z.literal(true) }),
    reachedBy: ['writeInput'],
    effect: 'idempotent',
  }),
  resize_terminal: defineMethod({
    summary: 'Tells the terminal of a command its new size.',
    params: z.strictObject({ command_id: commandId, columns, rows: columns }),
    result: z.strictObject({ command_id: commandId, accepted: z.literal(true) }),
    reachedBy: ['resizeTerminal'],
    effect: 'idempotent',
  }),
} as const
