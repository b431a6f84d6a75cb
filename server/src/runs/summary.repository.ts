import { Injectable } from '@nestjs/common'
import { isErrorCode, sanitizeText } from '@rollcall/contracts'
import type { OutcomeGroup } from '@rollcall/contracts/admin'
import { Database } from '../platform/prisma/database.ts'
import { OPEN_COMMANDS } from '../platform/prisma/state-sets.ts'

const ENDED = `state NOT IN (${OPEN_COMMANDS})`
/** The output of the command can be compared, and was not compared yet. */
const TO_COMPARE = `${ENDED} AND output_bytes > 0 AND output_digest IS NULL AND output_removed_at IS NULL`

/** An ended command whose output has yet to be compared. */
export interface Uncompared {
  id: string
  outputBytes: number
  droppedBytes: number
}

export interface StoredGroup extends Omit<OutcomeGroup, 'isComparedWhole' | 'sample' | 'isSampleWhole'> {
  /** False where the output was removed before anybody had compared it. */
  isCompared: boolean
}

/** Ended commands of a run, grouped by how they ended. */
@Injectable()
export class SummaryRepository {
  constructor(private readonly database: Database) {}

  /** Returns at most `limit` commands whose output was not compared yet, in the order of their ids after `after`. */
  async uncompared(runId: string, after: string, limit: number): Promise<Uncompared[]> {
    const { rows } = await this.database.pool.query(
      `SELECT id, output_bytes::float8 AS "outputBytes", dropped_bytes::float8 AS "droppedBytes" FROM command
       WHERE run_id = $1 AND ${TO_COMPARE} AND id > $2 ORDER BY id LIMIT $3`,
      [runId, after, limit],
    )
    return rows
  }

  async storeDigests(digests: readonly { id: string; digest: Buffer }[]): Promise<void> {
    await this.database.pool.query(
      `UPDATE command SET output_digest = digest
       FROM unnest($1::uuid[], $2::bytea[]) AS compared(id, digest) WHERE command.id = compared.id`,
      [digests.map(({ id }) => id), digests.map(({ digest }) => digest)],
    )
  }

  /** Returns the groups, the largest first. Commands that have not ended are grouped by their state alone. */
  async groups(runId: string): Promise<StoredGroup[]> {
    const { rows } = await this.database.pool.query(
      `WITH outcome AS (
         SELECT id, host_name, state, state = 'pending' AND admitted_at IS NULL AS held, exit_code, signal,
           CASE WHEN ${ENDED} THEN reason_code END AS reason_code, reason,
           output_bytes, dropped_bytes, CASE WHEN ${ENDED} THEN coalesce(output_digest, ''::bytea) END AS digest,
           ${ENDED} AND output_bytes > 0 AND output_digest IS NULL AS uncompared
         FROM command WHERE run_id = $1
       ), grouped AS (
         SELECT array_agg(host_name ORDER BY host_name) AS hosts, (array_agg(id ORDER BY host_name))[1] AS first
         FROM outcome GROUP BY state, held, exit_code, signal, reason_code, digest, uncompared
       )
       SELECT hosts, id AS "commandId", state, held AS "isHeld", exit_code AS "exitCode", signal,
         reason_code AS "reasonCode", reason, NOT uncompared AS "isCompared", output_bytes::float8 AS "outputBytes",
         dropped_bytes::float8 AS "droppedBytes"
       FROM grouped JOIN outcome ON outcome.id = first ORDER BY cardinality(hosts) DESC, hosts[1]`,
      [runId],
    )
    return rows.map((row) => ({
      ...row,
      reasonCode: isErrorCode(row.reasonCode) ? row.reasonCode : null,
      reason: row.reason && sanitizeText(row.reason, 4000),
    }))
  }
}
