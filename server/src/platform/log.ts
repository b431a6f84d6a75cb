import pino, { type Logger } from 'pino'
import pinoPretty from 'pino-pretty'

export type { Logger }
export const LOGGER = Symbol('Logger')

/** Describes an error for the log, without the connections that errors of libraries carry. */
function describe(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return String(error)
  const { name, message, stack, code, cause } = error as Error & { code?: unknown }
  return {
    type: name,
    message,
    ...(typeof code === 'string' && { code }),
    ...(depth === 0 && { stack }),
    ...(cause !== undefined && depth < 3 && { cause: describe(cause, depth + 1) }),
  }
}

/** Lines for a person on a terminal, JSON for everything else. No secret is ever handed to it. */
export function makeLogger(level: string): Logger {
  const options = { level, serializers: { err: (error: unknown) => describe(error) } }
  if (!process.stdout.isTTY) return pino(options)
  return pino(
    options,
    pinoPretty({ colorize: true, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss', sync: true }),
  )
}
