import { RollcallError } from '@rollcall/contracts'
import type pg from 'pg'
import type { Prisma } from './generated/client.ts'

/** A transaction that a service passes between repositories; only repositories run statements in it. */
export type Transaction = Prisma.TransactionClient

type Columns = Record<string, unknown>

/**
 * Runs the SQL that Prisma cannot express, alone or in a transaction. Columns of a row that the caller does not declare
 * are unknown.
 */
export class Sql {
  constructor(private readonly runner: Pick<pg.ClientBase, 'query'>) {}

  async query<Row extends object = Columns>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return (await this.runner.query<Row>(text, [...values])).rows
  }

  async first<Row extends object = Columns>(text: string, values?: readonly unknown[]): Promise<Row | null> {
    return (await this.query<Row>(text, values))[0] ?? null
  }

  /** Returns the column `id` of all rows. */
  async ids(text: string, values?: readonly unknown[]): Promise<string[]> {
    return (await this.query<{ id: string }>(text, values)).map(({ id }) => id)
  }

  /** Returns the row of a statement that always has one, such as a count. Throws `server.defect` if it has none. */
  async one<Row extends object = Columns>(text: string, values?: readonly unknown[]): Promise<Row> {
    const row = await this.first<Row>(text, values)
    if (row) return row
    throw new RollcallError('server.defect', `a statement returned no row: ${text.trim().slice(0, 200)}`)
  }

  /** Runs a statement for its effect. Returns how many rows it changed. */
  async execute(text: string, values: readonly unknown[] = []): Promise<number> {
    return (await this.runner.query(text, [...values])).rowCount ?? 0
  }
}
