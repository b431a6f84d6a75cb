import { Injectable } from '@nestjs/common'
import { Database } from '../platform/prisma/database.ts'
import type { Sql } from '../platform/prisma/transaction.ts'
import type { SilentHost } from './domain/roll.ts'

const IS_SILENT = "host.auto_reinstall AND host.state IN ('offline', 'install_failed')"

/**
 * SQL: counts how many commands of each host have failed in a row, where commands end: those that a person ran and that came to an end of
 * their own. One that was cancelled or lost says nothing of its host. Rows are locked in the order of their ids.
 */
export const COUNT_TASKS = `task_count AS (
    SELECT host_id, bool_or(state = 'success') AS has_success,
      (count(*) FILTER (WHERE state <> 'success'))::int AS failures, max(at) AS at
    FROM ended WHERE kind = 'command' AND state IN ('success', 'failed', 'timed_out') GROUP BY host_id
  ), counted AS (
    SELECT roll.host_id, has_success, failures, at
    FROM task_count JOIN roll USING (host_id)
    WHERE failures > 0 OR roll.failed_tasks > 0
    ORDER BY roll.host_id FOR NO KEY UPDATE OF roll
  ), stored_counts AS (
    UPDATE roll SET failed_tasks = CASE WHEN has_success THEN 0 ELSE roll.failed_tasks END + failures,
      failed_task_at = CASE WHEN failures = 0 THEN roll.failed_task_at ELSE at END
    FROM counted WHERE roll.host_id = counted.host_id
  )`

/**
 * The heartbeats as other features use them. Who holds the agent on the roll reinstalls it, so that the roll's lease is the lease of a
 * reinstallation too.
 */
@Injectable()
export class HeartbeatsRepository {
  constructor(private readonly database: Database) {}

  /** Makes a host due now. One whose turn was missed long ago is brought forward too: it would wait with the others that were missed. */
  async makeDue(hostId: string, now: Date): Promise<void> {
    await this.database.execute('UPDATE roll SET due_at = $2 WHERE host_id = $1', [hostId, now])
  }

  /** Adds a line to a host's history without changing its state. */
  async note(
    hostId: string,
    now: Date,
    { code, reason }: { code: string | null; reason: string },
    sql: Sql = this.database,
  ): Promise<void> {
    await sql.execute(
      `INSERT INTO host_event (host_id, host_name, at, from_state, to_state, code, reason)
       SELECT id, name, $2, state, state, $3, $4 FROM host WHERE id = $1`,
      [hostId, now, code, reason],
    )
  }

  /** Tells whether a host has an agent that does not answer its heartbeats. */
  async isSilent(hostId: string): Promise<boolean> {
    const rows = await this.database.query(
      'SELECT 1 FROM roll WHERE host_id = $1 AND silent_since IS NOT NULL',
      [hostId],
    )
    return rows.length > 0
  }

  /** Returns at most `limit` silent hosts of `server` that are due; fewer where `maxInstalling` of the fleet are being installed. */
  async silentHosts(
    server: string,
    now: Date,
    { failedRounds, limit, maxInstalling }: { failedRounds: number; limit: number; maxInstalling: number },
  ): Promise<SilentHost[]> {
    return this.database.query(
      `SELECT roll.host_id AS "hostId", failed_rounds AS "failedRounds", reinstalls, reinstall_at AS "notBefore",
         host.state, host.state_code AS "stateCode", host.auto_reinstall AS "isAllowed"
       FROM roll JOIN host ON host.id = roll.host_id
       WHERE roll.lease_owner = $1 AND roll.failed_rounds >= $3 AND ${IS_SILENT}
         AND (roll.reinstall_at IS NULL OR roll.reinstall_at <= $2)
       ORDER BY roll.reinstall_at NULLS FIRST
       LIMIT greatest(0, least($4, $5 - (SELECT count(*) FROM host WHERE state = 'installing')))`,
      [server, now, failedRounds, limit, maxInstalling],
    )
  }

  /**
   * Stores when the next attempt may be. Returns false, and changes nothing, when the host is not silent any more, a person has switched
   * this off, or another server holds the agent or was faster.
   */
  async planReinstall(
    server: string,
    { hostId, notBefore }: Pick<SilentHost, 'hostId' | 'notBefore'>,
    next: Date,
    isReinstalling: boolean,
  ): Promise<boolean> {
    const planned = await this.database.execute(
      `UPDATE roll SET reinstall_at = $4, reinstalls = reinstalls + $5::int FROM host
       WHERE roll.host_id = $2 AND host.id = roll.host_id AND ${IS_SILENT}
         AND roll.lease_owner = $1 AND roll.reinstall_at IS NOT DISTINCT FROM $3`,
      [server, hostId, notBefore, next, isReinstalling ? 1 : 0],
    )
    return planned === 1
  }
}
