import pino, { type Logger } from 'pino'
import pinoPretty from 'pino-pretty'

export type { Logger }
export const LOGGER = Symbol('Logger')

/** Lines for a person on a terminal, JSON for everything else. No secret is ever handed to it; redaction is the second fence. */
export function makeLogger(level: string): Logger {
  const options = {
    level,
    redact: { paths: ['*.password', '*.token', '*.privateKey', '*.passphrase', '*.authorization'], censor: '[redacted]' },
  }
  if (!process.stdout.isTTY) return pino(options)
  return pino(options, pinoPretty({ colorize: true, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss', sync: true }))
}
