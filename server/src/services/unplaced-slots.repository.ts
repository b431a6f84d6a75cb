import { Injectable } from '@nestjs/common'
import { Database } from '../platform/prisma/database.ts'
import type { Sql } from '../platform/prisma/transaction.ts'

/** Finds slots that no host fitted, and sees when hosts may fit by now. */
@Injectable()
export class UnplacedSlotsRepository {
  constructor(private readonly database: Database) {}

  /** Returns the ids of services that run and have slots without a host. Of one whose change was stopped, none is placed. */
  services(limit: number): Promise<string[]> {
    return this.database.ids(
      `SELECT id FROM service WHERE wanted = 'running' AND halted_at IS NULL AND EXISTS (
         SELECT 1 FROM instance WHERE service_id = service.id AND state = 'unplaced' AND host_id IS NULL
           AND instance.wanted = 'running' AND replaced_by IS NULL
       ) ORDER BY random() LIMIT $1`,
      [limit],
    )
  }

  /**
   * Returns a text that is another one when hosts have come or gone, answer or are silent, have reported for the first time or have other
   * labels, and when instances have come to hosts or left them.
   */
  async fleetMark(): Promise<string> {
    const { mark } = await this.database.one<{ mark: string }>(
      `SELECT concat(
         (SELECT md5(string_agg(concat_ws(' ', host.id, state, labels, facts->>'architecture'), ',' ORDER BY host.id))
          FROM host LEFT JOIN host_facts ON host_facts.host_id = host.id), ' ',
         (SELECT concat(count(*), ' ', sum(generation)) FROM instance WHERE host_id IS NOT NULL)) AS mark`,
    )
    return mark
  }

  /** Stores why instances have no host. Returns the ids of those for which it is another reason than before. */
  async writeReasons(sql: Sql, reasons: readonly { id: string; reason: string | null }[]): Promise<string[]> {
    return sql.ids(
      `UPDATE instance SET reason = now.reason FROM jsonb_to_recordset($1::jsonb) AS now (id text, reason text)
       WHERE instance.id = now.id AND instance.reason IS DISTINCT FROM now.reason RETURNING instance.id`,
      [JSON.stringify(reasons)],
    )
  }
}
