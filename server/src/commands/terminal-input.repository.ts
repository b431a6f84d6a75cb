import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { Sealer } from '../platform/crypto/sealer.ts'
import { Database } from '../platform/prisma/database.ts'
import type { Sql } from '../platform/prisma/transaction.ts'
import type { TerminalInput } from './domain/terminal.ts'

/** Each notice names the command that has new input. */
export const INPUT_CHANNEL = 'rollcall_terminal_input'
/** Inputs that may wait for the server that holds the terminal. */
const MAX_WAITING = 1000

interface WaitingRow {
  id: string
  /** Sealed; null in a change of size, which has columns and rows. */
  data: Buffer | null
  columns: number
  rows: number
}

/**
 * Input of terminals that one server holds over SSH. Any server accepts it, and it waits in the database until the holder takes
 * it.
 */
@Injectable()
export class TerminalInputRepository {
  constructor(
    private readonly database: Database,
    private readonly sealer: Sealer,
  ) {}

  /**
   * Takes what is new of `data`, whose first byte is number `offset` of the whole input; returns the offset after it. Safe to
   * repeat. Throws `request.invalid` for a gap, and `server.overloaded` when too much waits.
   */
  add(commandId: string, offset: number, data: Buffer): Promise<number> {
    return this.database.transaction(async (client) => {
      const stored = await client.first<{ inputBytes: number; waiting: number }>(
        `SELECT input_bytes::float8 AS "inputBytes",
           (SELECT count(*)::int FROM terminal_input WHERE command_id = command.id) AS waiting
         FROM command WHERE id = $1 FOR UPDATE`,
        [commandId],
      )
      const { inputBytes, waiting } = stored ?? { inputBytes: 0, waiting: 0 }
      if (offset > inputBytes)
        throw new RollcallError(
          'request.invalid',
          `Input has a gap: ${inputBytes} bytes of it are known, send from there on.`,
          { fields: [{ field: 'offset', message: `must not be above ${inputBytes}` }] },
        )
      const fresh = data.subarray(inputBytes - offset)
      if (fresh.length === 0) return inputBytes
      if (waiting >= MAX_WAITING)
        throw new RollcallError('server.overloaded', 'The terminal does not take its input. Try again.')
      await this.insert(client, commandId, fresh)
      await client.execute('UPDATE command SET input_bytes = $2 WHERE id = $1', [
        commandId,
        inputBytes + fresh.length,
      ])
      await client.execute('SELECT pg_notify($1, $2)', [INPUT_CHANNEL, commandId])
      return inputBytes + fresh.length
    })
  }

  /** Stores a new size of the terminal, in place of one that still waits. */
  resize(commandId: string, columns: number, rows: number): Promise<void> {
    return this.database.transaction(async (client) => {
      await client.execute('DELETE FROM terminal_input WHERE command_id = $1 AND data IS NULL', [commandId])
      await client.execute('INSERT INTO terminal_input (command_id, columns, rows) VALUES ($1, $2, $3)', [
        commandId,
        columns,
        rows,
      ])
      await client.execute('SELECT pg_notify($1, $2)', [INPUT_CHANNEL, commandId])
    })
  }

  /** Sealed: passwords are typed as well. */
  private async insert(client: Sql, commandId: string, data: Buffer): Promise<void> {
    const { id } = await client.one<{ id: string }>(
      `SELECT nextval(pg_get_serial_sequence('terminal_input', 'id'))::text AS id`,
    )
    const sealed = Buffer.from(this.sealer.seal(data.toString('base64'), placeOf(id)))
    await client.execute('INSERT INTO terminal_input (id, command_id, data) VALUES ($1, $2, $3)', [
      id,
      commandId,
      sealed,
    ])
  }

  /** Takes all that waits, in order, and deletes it: only the server that holds the terminal asks. */
  async take(commandId: string): Promise<TerminalInput[]> {
    const rows = await this.database.query<WaitingRow>(
      `WITH taken AS (DELETE FROM terminal_input WHERE command_id = $1 RETURNING id, data, columns, rows)
       SELECT id::text, data, columns, rows FROM taken ORDER BY taken.id`,
      [commandId],
    )
    return rows.map(({ id, data, columns, rows: lines }) =>
      data === null
        ? { columns, rows: lines }
        : { data: Buffer.from(this.sealer.open(data, placeOf(id)), 'base64') },
    )
  }
}

const placeOf = (id: string) => `terminal-input/${id}`
