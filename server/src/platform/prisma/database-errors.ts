/** Prisma's P1001, P1002, P1008, P1017 and P2024, PostgreSQL's classes 08 and 57, and what sockets say. */
const DATABASE_AWAY = /^(P1001|P1002|P1008|P1017|P2024|08...|57P..|ECONNREFUSED|ECONNRESET|ENOENT|EPIPE)$/

const EXCLUSION_VIOLATION = '23P01'

/** Whether an error says no more than that the database does not answer at the moment. */
export function isDatabaseAway(thrown: unknown): boolean {
  const { code, message } = (thrown ?? {}) as { code?: string; message?: string }
  return (
    (code !== undefined && DATABASE_AWAY.test(code)) ||
    /Connection terminated|is not queryable|Query read timeout|timeout exceeded when trying to connect|DatabaseNotReachable|ConnectionClosed/.test(
      message ?? '',
    )
  )
}

/** PostgreSQL's class 22: it takes the statement but not a value in it, however often it is asked. */
export function isDataRefused(error: unknown): boolean {
  return /^22...$/.test(String((error as { code?: unknown } | null)?.code))
}

/** PostgreSQL's unique_violation, through Prisma: whether it is about `field`. */
export function isUniqueViolation(error: unknown, field: string): boolean {
  const { code, meta } = error as { code?: string; meta?: unknown }
  if (code === 'P2002') return JSON.stringify(meta).includes(field)
  // An exclusion constraint, which Prisma does not know: its name is part of the message.
  const { originalCode, originalMessage } = (error as { cause?: Record<string, unknown> }).cause ?? {}
  return originalCode === EXCLUSION_VIOLATION && String(originalMessage).includes(field)
}
