import pino, { type Logger } from 'pino'
import pinoPretty from 'pino-pretty'

export type { Logger }
export const LOGGER = Symbol('Logger')

/** Describes an error for the log, without the connections that errors of libraries carry. */
function describeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return String(error)
  const { name, message, stack, code, cause } = error as Error & { code?: unknown }
  return {
    type: name,
    message,
    ...(typeof code === 'string' && { code }),
    ...(depth === 0 && { stack }),
    ...(cause !== undefined && depth < 3 && { cause: describeError(cause, depth + 1) }),
  }
}

/** Creates a logger that writes text to a terminal and JSON otherwise. Secrets are never passed to it. */
export function makeLogger(level: string): Logger {
  const options = { level, serializers: { err: (error: unknown) => describeError(error) } }
  if (!process.stdout.isTTY) return pino(options)
  return pino(
    options,
    pinoPretty({ colorize: true, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss', sync: true }),
  )
}
