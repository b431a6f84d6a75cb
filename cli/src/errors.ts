import { type FieldError, sanitizeText } from '@rollcall/contracts'
import { ApiError, InvalidRequestError, UnreachableError } from '@rollcall/contracts/client'

/** The exit code for a wrong command line. */
export const WRONG_USAGE = 2

/** An error that is shown without a stack. */
export class CliError extends Error {
  readonly exitCode: number = 1
  readonly code: string | undefined
  readonly fields: readonly FieldError[] = []

  constructor(message: string, { code, cause }: { code?: string; cause?: unknown } = {}) {
    super(message, { cause })
    this.code = code
  }
}

/** The command line is wrong; nothing was done. */
export class UsageError extends CliError {
  override readonly exitCode = WRONG_USAGE
}

/** No server runs where one was looked for, so nothing was carried out. */
export class NoServerError extends UnreachableError {}

/** The person at the terminal left, or a signal asked the process to end. */
export class InterruptedError extends Error {
  /** `exitCode` is 128 plus the signal's number. */
  constructor(readonly exitCode: number) {
    super('interrupted')
  }
}

/** Tells whether an error explains itself to a person. Anything else that is thrown is a defect of this program. */
export const isExplained = (error: unknown): error is CliError | ApiError =>
  error instanceof CliError || error instanceof ApiError

/** Returns what the process exits with after an error. */
export function toErrorExitCode(error: unknown): number {
  if (error instanceof InvalidRequestError) return WRONG_USAGE
  return error instanceof CliError || error instanceof InterruptedError ? error.exitCode : 1
}

/** `error: message (code)`, with every wrong field on a line of its own; ends with a newline. Cannot act on a terminal. */
export function renderError(error: unknown, isDebugging: boolean): string {
  if (!isExplained(error)) return renderDefect(error, isDebugging)
  // The server repeats every field in this message; each gets its own line here.
  const message =
    error.code === 'request.invalid' && error.fields.length > 0 ? 'The request is not valid.' : error.message
  const code = error.code && !(error instanceof UnreachableError) ? ` (${clean(error.code)})` : ''
  const lines = [
    ...message.split('\n').map(clean),
    ...error.fields.map(({ field, message }) => `  ${clean(field)}: ${clean(message)}`),
  ]
  lines[0] = `error: ${lines[0]}${code}`
  if (isDebugging && error.stack) lines.push(error.stack)
  return `${lines.join('\n')}\n`
}

function renderDefect(error: unknown, isDebugging: boolean): string {
  const { message, stack } = error instanceof Error ? error : { message: String(error), stack: undefined }
  if (isDebugging && stack) return `error: internal error in rollcall.\n${stack}\n`
  return `error: internal error in rollcall: ${clean(message)}. ROLLCALL_DEBUG=1 shows the stack.\n`
}

const clean = (text: string) => sanitizeText(text, 4000)
