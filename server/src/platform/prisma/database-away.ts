/** Prisma's P1001, P1002, P1008, P1017 and P2024, PostgreSQL's classes 08 and 57, and what sockets say. */
const DATABASE_AWAY = /^(P1001|P1002|P1008|P1017|P2024|08...|57P..|ECONNREFUSED|ECONNRESET|ENOENT|EPIPE)$/

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
