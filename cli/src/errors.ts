import { type ErrorKind, type FieldError, mayPass, sanitizeText } from '@rollcall/contracts'

interface Details {
  code?: string
  fields?: readonly FieldError[]
  cause?: unknown
}

/** What a person is told in words, without a stack. Anything else that is thrown is a defect. */
export class CliError extends Error {
  readonly exitCode: number = 1
  readonly code: string | undefined
  readonly fields: readonly FieldError[]

  constructor(message: string, details: Details = {}) {
    super(message, { cause: details.cause })
    this.code = details.code
    this.fields = details.fields ?? []
  }
}

/** The command line is wrong; nothing was done. */
export class UsageError extends CliError {
  override readonly exitCode = 2
}

/** The server answered, with an error. */
export class ApiError extends CliError {
  readonly kind: ErrorKind

  constructor(message: string, kind: ErrorKind, details: Details & { code: string }) {
    super(message, details)
    this.kind = kind
  }
}

/** There was no answer: what was asked for may have happened all the same. */
export class UnreachableError extends CliError {}

/** No server runs where one was looked for, so certainly nothing happened. */
export class NoServerError extends UnreachableError {}

/** The person at the terminal left, or a signal asked us to. */
export class Left extends Error {
  readonly exitCode: number

  /** `exitCode` is 128 plus the signal's number. */
  constructor(exitCode: number) {
    super('left')
    this.exitCode = exitCode
  }
}

/** Whether the same request may do better later. */
export function isPassing(error: unknown): boolean {
  return error instanceof UnreachableError || (error instanceof ApiError && mayPass(error))
}

/** `error: message (code)`, with every wrong field on a line of its own; ends with a newline. Cannot act on a terminal. */
export function renderError(error: unknown, isDebugging: boolean): string {
  if (!(error instanceof CliError)) return renderDefect(error, isDebugging)
  // The server repeats every field in this message; each gets its own line here.
  const message =
    error.code === 'request.invalid' && error.fields.length > 0 ? 'The request is not valid.' : error.message
  const code = error.code ? ` (${clean(error.code)})` : ''
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
  if (isDebugging && stack) return `error: rollcall failed by its own fault.\n${stack}\n`
  return `error: rollcall failed by its own fault: ${clean(message)}. ROLLCALL_DEBUG=1 shows where.\n`
}

const clean = (text: string) => sanitizeText(text, 4000)
