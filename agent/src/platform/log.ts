import { writeSync } from 'node:fs'

/** Values that a log line may carry. Never a token, a key, output, input or an argument of a command. */
export type LogFields = Record<string, string | number | boolean | null | undefined>

export interface Log {
  info(event: string, fields?: LogFields): void
  error(event: string, fields?: LogFields): void
}

const quote = (value: LogFields[string]) =>
  typeof value === 'string' && !/^[\w.:/@+-]+$/.test(value)
    ? JSON.stringify(value.slice(0, 1000))
    : String(value)

/** One line, such as `agent.listening port=8000`. JSON quoting keeps hostile text from starting a line of its own. */
export function formatEvent(event: string, fields: LogFields = {}): string {
  const pairs = Object.entries(fields).filter(([, value]) => value !== undefined)
  return [event, ...pairs.map(([key, value]) => `${key}=${quote(value)}`)].join(' ')
}

/** Logs to stderr, which the unit sends to the journal. `<3>` and `<6>` are the priorities that journald reads. */
export const stderrLog: Log = {
  info: (event, fields) => write(`<6>${formatEvent(event, fields)}\n`),
  error: (event, fields) => write(`<3>${formatEvent(event, fields)}\n`),
}

function write(line: string): void {
  try {
    writeSync(2, line)
  } catch (error) {
    // The journal being full or gone must not take commands with it, and there is no place left to say so.
    if (!['EAGAIN', 'EPIPE', 'EIO', 'ENOSPC'].includes((error as NodeJS.ErrnoException).code ?? ''))
      throw error
  }
}

/** Lets `burst` events through per `windowMs`; the first of the next window says how many were left out. */
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
