import { Injectable } from '@nestjs/common'
import { Database } from '../platform/prisma/database.ts'
import type { SilentHost } from './domain/decide-reinstall.ts'

export interface Candidate extends SilentHost {
  hostId: string
}

const IS_SILENT = "host.auto_reinstall AND host.state IN ('offline', 'install_failed')"

/** Silent hosts. Who holds the agent on the roll reinstalls it, so that the roll's lease is the lease of a reinstallation too. */
@Injectable()
export class ReinstallsRepository {
  constructor(private readonly database: Database) {}

  /** Returns silent hosts of `server` that are due. */
  async due(server: string, now: Date, failedRounds: number, limit: number): Promise<Candidate[]> {
    const { rows } = await this.database.pool.query(
      `SELECT roll.host_id AS "hostId", failed_rounds AS "failedRounds", reinstalls, reinstall_at AS "notBefore",
         host.state, host.state_code AS "stateCode", host.auto_reinstall AS "isAllowed"
       FROM roll JOIN host ON host.id = roll.host_id
       WHERE roll.lease_owner = $1 AND roll.failed_rounds >= $3 AND ${IS_SILENT}
         AND (roll.reinstall_at IS NULL OR roll.reinstall_at <= $2)
       ORDER BY roll.reinstall_at NULLS FIRST LIMIT $4`,
      [server, now, failedRounds, limit],
    )
    return rows
  }

  async countInstalling(): Promise<number> {
    const { rows } = await this.database.pool.query(
      "SELECT count(*)::int AS count FROM host WHERE state = 'installing'",
    )
    return rows[0].count
  }

  /**
   * Stores when the next attempt may be. Returns false, and changes nothing, when the host is not silent any more, a person has switched
   * this off, or another server holds the agent or was faster.
   */
  async plan(
    server: string,
    { hostId, notBefore }: Pick<Candidate, 'hostId' | 'notBefore'>,
    next: Date,
    isReinstalling: boolean,
  ): Promise<boolean> {
    const { rowCount } = await this.database.pool.query(
      `UPDATE roll SET reinstall_at = $4, reinstalls = reinstalls + $5::int FROM host
       WHERE roll.host_id = $2 AND host.id = roll.host_id AND ${IS_SILENT}
         AND roll.lease_owner = $1 AND roll.reinstall_at IS NOT DISTINCT FROM $3`,
      [server, hostId, notBefore, next, isReinstalling ? 1 : 0],
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
