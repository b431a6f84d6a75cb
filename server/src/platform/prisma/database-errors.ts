/** Prisma's P1001, P1002, P1008, P1017 and P2024, PostgreSQL's classes 08 and 57, and socket errors. */
const DATABASE_AWAY = /^(P1001|P1002|P1008|P1017|P2024|08...|57P..|ECONNREFUSED|ECONNRESET|ENOENT|EPIPE)$/

const EXCLUSION_VIOLATION = '23P01'
const UNIQUE_VIOLATION = '23505'

/** Returns whether an error means that the database is temporarily unavailable. */
export function isDatabaseAway(thrown: unknown): boolean {
  const { code, message } = (thrown ?? {}) as { code?: string; message?: string }
  return (
    (code !== undefined && DATABASE_AWAY.test(code)) ||
    /Connection terminated|is not queryable|Query read timeout|timeout exceeded when trying to connect|DatabaseNotReachable|ConnectionClosed/.test(
      message ?? '',
    )
  )
}

/** Returns whether PostgreSQL rejected a value (class 22), so that a retry is useless. */
export function isDataRefused(error: unknown): boolean {
  return /^22...$/.test(String((error as { code?: unknown } | null)?.code))
}

/** Prisma's description of a constraint in its adapter's error. */
interface ConstraintMeta {
  target?: unknown
  driverAdapterError?: { cause?: { constraint?: unknown; originalCode?: string; originalMessage?: string } }
}

/** Returns whether an error is a unique or exclusion violation of `field`. */
export function isUniqueViolation(error: unknown, field: string): boolean {
  const { code, meta } = error as { code?: string; meta?: ConstraintMeta }
  const cause = meta?.driverAdapterError?.cause
  // Only these parts, because "name" would match every model in the others.
  if (code === 'P2002') return JSON.stringify([meta?.target, cause?.constraint]).includes(field)
  // For an exclusion constraint, and for SQL of ours, Prisma reports only its name, as part of the message.
  const isNamed = cause?.originalCode === EXCLUSION_VIOLATION || cause?.originalCode === UNIQUE_VIOLATION
  return isNamed && String(cause?.originalMessage).includes(field)
}
