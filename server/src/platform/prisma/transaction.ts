import type { Prisma } from './generated/client.ts'

/** A transaction that a service passes between repositories; only repositories run statements in it. */
export type Transaction = Prisma.TransactionClient
