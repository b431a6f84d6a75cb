import { Injectable } from '@nestjs/common'
import type { PoolClient } from 'pg'
import { Database } from '../platform/prisma/database.ts'
import type { TaskCount } from './domain/task-counts.ts'

/** The heartbeats as other features use them. */
@Injectable()
export class HeartbeatsRepository {
  constructor(private readonly database: Database) {}

  /** Makes a host due now. One whose turn was missed long ago is brought forward too: it would wait with the others that were missed. */
  async makeDue(hostId: string, now: Date): Promise<void> {
    await this.database.pool.query('UPDATE roll SET due_at = $2 WHERE host_id = $1', [hostId, now])
  }

  /** Tells whether a host has an agent that does not answer its heartbeats. */
  async isSilent(hostId: string): Promise<boolean> {
    const { rows } = await this.database.pool.query(
      'SELECT 1 FROM roll WHERE host_id = $1 AND silent_since IS NOT NULL',
      [hostId],
    )
    return rows.length > 0
  }

  /** Counts how many commands of each host have failed in a row. */
  async countTasks(transaction: PoolClient, counts: readonly TaskCount[]): Promise<void> {
    if (counts.length === 0) return
    await transaction.query(
      `WITH counted AS (
         SELECT roll.host_id, has_success, failures, at
         FROM unnest($1::uuid[], $2::bool[], $3::int[], $4::timestamptz[]) AS count(host_id, has_success, failures, at)
         JOIN roll USING (host_id)
         WHERE failures > 0 OR roll.failed_tasks > 0
         ORDER BY roll.host_id FOR NO KEY UPDATE OF roll
       )
       UPDATE roll SET failed_tasks = CASE WHEN has_success THEN 0 ELSE roll.failed_tasks END + failures,
         failed_task_at = CASE WHEN failures = 0 THEN roll.failed_task_at ELSE at END
       FROM counted WHERE roll.host_id = counted.host_id`,
      [
        counts.map(({ hostId }) => hostId),
        counts.map(({ hasSuccess }) => hasSuccess),
        counts.map(({ failures }) => failures),
        counts.map(({ at }) => at),
      ],
    )
  }
}
