import { Injectable } from '@nestjs/common'
import { Database } from '../platform/prisma/database.ts'
import type { SilentHost } from './domain/decide-reinstall.ts'

export interface Candidate extends SilentHost {
  hostId: string
}

const IS_SILENT = "host.auto_reinstall AND host.state IN ('offline', 'install_failed')"

@Injectable()
export class ReinstallsRepository {
  constructor(private readonly database: Database) {}

  /**
   * Hosts of `server` that are silent and whose turn it is, and how many are being installed in the whole fleet. Takes
   * them: until `takenUntil` they are nobody else's, should we die.
   */
  async take(
    server: string,
    now: Date,
    takenUntil: Date,
    failedRounds: number,
    limit: number,
  ): Promise<Candidate[]> {
    const { rows } = await this.database.pool.query(
      `WITH silent AS (
         SELECT roll.host_id, roll.reinstall_at FROM roll JOIN host ON host.id = roll.host_id
         WHERE roll.lease_owner = $1 AND roll.failed_rounds >= $4 AND ${IS_SILENT} AND (roll.reinstall_at IS NULL OR roll.reinstall_at <= $2)
         ORDER BY roll.reinstall_at NULLS FIRST LIMIT $5 FOR UPDATE OF roll SKIP LOCKED
       ), taken AS (
         UPDATE roll SET reinstall_at = $3 FROM silent WHERE roll.host_id = silent.host_id
         RETURNING roll.host_id, roll.failed_rounds, roll.reinstalls, silent.reinstall_at
       )
       SELECT taken.host_id AS "hostId", taken.failed_rounds AS "failedRounds", taken.reinstalls,
         taken.reinstall_at AS "notBefore", host.state, host.state_code AS "stateCode",
         host.auto_reinstall AS "isAllowed"
       FROM taken JOIN host ON host.id = taken.host_id`,
      [server, now, takenUntil, failedRounds, limit],
    )
    return rows
  }

  async countInstalling(): Promise<number> {
    const { rows } = await this.database.pool.query(
      "SELECT count(*)::int AS count FROM host WHERE state = 'installing'",
    )
    return rows[0].count
  }

  /** Says when the next attempt may be. False, and nothing is changed, when the host is not silent any more, or a person has switched this off. */
  async plan(hostId: string, next: Date, isReinstalling: boolean): Promise<boolean> {
    const { rowCount } = await this.database.pool.query(
      `UPDATE roll SET reinstall_at = $2, reinstalls = reinstalls + $3::int FROM host
       WHERE roll.host_id = $1 AND host.id = roll.host_id AND ${IS_SILENT}`,
      [hostId, next, isReinstalling ? 1 : 0],
    )
    return rowCount === 1
  }

  /** Adds a line to the host's history without changing its state. */
  async note(hostId: string, now: Date, code: string, reason: string): Promise<void> {
    await this.database.pool.query(
      `INSERT INTO host_event (host_id, host_name, at, from_state, to_state, code, reason)
       SELECT id, name, $2, state, state, $3, $4 FROM host WHERE id = $1`,
      [hostId, now, code, reason],
    )
  }
}
