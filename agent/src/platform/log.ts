import { writeSync } from 'node:fs'
import { unlessCode } from './files.ts'

/** Fields of a log line. Never a token, a key, or a command's output, input or arguments. */
export type LogFields = Record<string, string | number | boolean | null | undefined>

export interface Log {
  info(event: string, fields?: LogFields): void
  error(event: string, fields?: LogFields): void
}

const quote = (value: LogFields[string]) =>
  typeof value === 'string' && !/^[\w.:/@+-]+$/.test(value)
    ? JSON.stringify(value.slice(0, 1000))
    : String(value)

/** Formats an event as one line, such as `agent.listening port=8000`. JSON quoting keeps hostile text from starting a new line. */
export function formatEvent(event: string, fields: LogFields = {}): string {
  const pairs = Object.entries(fields).filter(([, value]) => value !== undefined)
  return [event, ...pairs.map(([key, value]) => `${key}=${quote(value)}`)].join(' ')
}

/** Logs to stderr, which the unit sends to the journal. `<3>` and `<6>` are journald's priorities. */
export const stderrLog: Log = {
  info: (event, fields) => write(`<6>${formatEvent(event, fields)}\n`),
  error: (event, fields) => write(`<3>${formatEvent(event, fields)}\n`),
}

// A full or missing journal must not end commands, and there is nowhere else to report it.
const write = (line: string) =>
  void unlessCode(['EAGAIN', 'EPIPE', 'EIO', 'ENOSPC'], () => writeSync(2, line))

/** Returns a log function that passes `burst` events per `windowMs`. The first of the next window reports how many were suppressed. */
export function rateLimited(log: Log, burst: number, windowMs: number, now: () => number): Log['info'] {
  let windowStart = Number.NEGATIVE_INFINITY
  let seen = 0
  return (event, fields) => {
    const time = now()
    if (time - windowStart >= windowMs) {
      const suppressed = Math.max(0, seen - burst)
      windowStart = time
      seen = 0
      if (suppressed > 0) log.info('log.suppressed', { event, count: suppressed })
    }
    seen++
    if (seen <= burst) log.info(event, fields)
  }
}
