/** Prisma's P1001, P1002, P1008, P1017 and P2024, PostgreSQL's classes 08 and 57, and what sockets say. */
const DATABASE_AWAY = /^(P1001|P1002|P1008|P1017|P2024|08...|57P..|ECONNREFUSED|ECONNRESET|ENOENT|EPIPE)$/

const EXCLUSION_VIOLATION = '23P01'

/** Tests whether an error only means that the database does not answer at the moment. */
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

/** Prisma's description of a constraint, in its adapter's error. */
interface ConstraintMeta {
  target?: unknown
  driverAdapterError?: { cause?: { constraint?: unknown; originalCode?: string; originalMessage?: string } }
}

/** PostgreSQL's unique_violation or exclusion_violation, through Prisma: whether it is about `field`. */
export function isUniqueViolation(error: unknown, field: string): boolean {
  const { code, meta } = error as { code?: string; meta?: ConstraintMeta }
  const cause = meta?.driverAdapterError?.cause
  // Of what else stands there, "name" would fit every model.
  if (code === 'P2002') return JSON.stringify([meta?.target, cause?.constraint]).includes(field)
  // Of an exclusion constraint Prisma knows no more than its name, which is part of the message.
  return cause?.originalCode === EXCLUSION_VIOLATION && String(cause.originalMessage).includes(field)
}
