import type { Prisma } from './generated/client.ts'

/** A transaction that a service hands from one repository to another; nobody else has statements for it. */
export type Transaction = Prisma.TransactionClient
