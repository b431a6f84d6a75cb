import { Injectable } from '@nestjs/common'
import type { TerminalWriter } from '@rollcall/contracts/admin'
import type { PrincipalRef } from '../access/index.ts'
import { Database } from '../platform/prisma/database.ts'
import { OPEN_COMMANDS } from '../platform/prisma/state-sets.ts'
import type { OpenTerminal } from './domain/terminal.ts'

/** Who opened terminals, and who joined them. */
@Injectable()
export class TerminalWritersRepository {
  constructor(private readonly database: Database) {}

  async isWriter(commandId: string, { kind, id }: PrincipalRef): Promise<boolean> {
    const rows = await this.database.query(
      `SELECT 1 FROM command JOIN run ON run.id = run_id
       WHERE command.id = $1 AND requester_kind = $2 AND requester_id = $3
       UNION ALL SELECT 1 FROM terminal_writer WHERE command_id = $1 AND kind = $2 AND id = $3`,
      [commandId, kind, id],
    )
    return rows.length > 0
  }

  /** Safe to repeat. */
  async add(commandId: string, { kind, id }: PrincipalRef, name: string, now: Date): Promise<void> {
    await this.database.execute(
      `INSERT INTO terminal_writer (command_id, kind, id, name, joined_at) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT DO NOTHING`,
      [commandId, kind, id, name, now],
    )
  }

  /** Returns the writers of a terminal, the opener first. */
  async list(commandId: string): Promise<TerminalWriter[]> {
    const rows = await this.database.query<{ name: string; joinedAt: Date | null }>(
      `SELECT name, "joinedAt" FROM (
         SELECT requested_by AS name, NULL::timestamptz AS "joinedAt" FROM command WHERE id = $1
         UNION ALL SELECT name, joined_at FROM terminal_writer WHERE command_id = $1
       ) AS writer ORDER BY "joinedAt" NULLS FIRST LIMIT 1000`,
      [commandId],
    )
    return rows.map(({ name, joinedAt }) => ({ name, joinedAt: joinedAt?.toISOString() ?? null }))
  }

  /** Returns open terminals that were not cancelled and whose opener is known. */
  async open(): Promise<OpenTerminal[]> {
    return this.database.query(`SELECT command.id AS "commandId", host_id AS "hostId",
         jsonb_build_object('kind', requester_kind, 'id', requester_id) AS opener
       FROM command JOIN run ON run.id = run_id
       WHERE tty AND state IN (${OPEN_COMMANDS}) AND command.cancel_requested_at IS NULL AND requester_id IS NOT NULL`)
  }
}
