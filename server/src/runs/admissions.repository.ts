import { Injectable } from '@nestjs/common'
import type { Permission, RunLimits } from '@rollcall/contracts/admin'
import type pg from 'pg'
import { type PrincipalRef, toPrincipalRef } from '../access/index.ts'
import { Database } from '../platform/prisma/database.ts'
import { OPEN_COMMANDS } from '../platform/prisma/state-sets.ts'
import type { Admissions, AdmissionView, StopCause } from './domain/admissions.ts'
import { stopReason } from './domain/run.ts'

const HELD = "position IS NOT NULL AND state = 'pending' AND admitted_at IS NULL"
const ACTIVE = `position IS NOT NULL AND state IN (${OPEN_COMMANDS}) AND admitted_at IS NOT NULL`
/** Commands that one decision looks at, and so admits, at most; the next decision goes on. */
const LOOKED_AT = 1000

interface RequesterRow {
  kind: string
  requesterKind: string | null
  requesterId: string | null
}

/** Changes that one decision made. */
export interface Turn {
  runId: string
  admitted: string[]
  stopped: string[]
  /** More commands are held than were looked at. */
  hasMore: boolean
}

/** Admissions of runs with limits, decided and stored under a lock on the run, so that two servers never admit twice. */
@Injectable()
export class AdmissionsRepository {
  constructor(private readonly database: Database) {}

  /** Returns runs that hold commands back, after the run with the id `after`. */
  async admitting(after: string, limit: number): Promise<string[]> {
    const { rows } = await this.database.pool.query(
      'SELECT id FROM run WHERE is_admitting AND id > $1 ORDER BY id LIMIT $2',
      [after, limit],
    )
    return rows.map((row) => row.id)
  }

  /** Finds who asked for a run, and what they need for it. Null where no person did, or the run is not there. */
  async requester(runId: string): Promise<{ requester: PrincipalRef; permission: Permission } | null> {
    const { rows } = await this.database.pool.query<RequesterRow>(
      'SELECT kind, requester_kind AS "requesterKind", requester_id AS "requesterId" FROM run WHERE id = $1',
      [runId],
    )
    const requester = rows[0] && toPrincipalRef(rows[0].requesterKind, rows[0].requesterId)
    if (!requester) return null
    return { requester, permission: rows[0]?.kind === 'playbook' ? 'playbooks:run' : 'commands:run' }
  }

  /** Returns the ids of the hosts on which a run has not begun. */
  async heldHosts(runId: string): Promise<string[]> {
    const { rows } = await this.database.pool.query<{ id: string }>(
      `SELECT host_id AS id FROM command WHERE run_id = $1 AND ${HELD}`,
      [runId],
    )
    return rows.map(({ id }) => id)
  }

  /** Stores what `decide` returns for the run as it is, if commands of it wait for their turn. */
  async decide(runId: string, now: Date, decide: (view: AdmissionView) => Admissions): Promise<Turn> {
    return this.database.transaction(async (client) => {
      const { rows } = await client.query(
        'SELECT limits, total FROM run WHERE id = $1 AND is_admitting FOR NO KEY UPDATE',
        [runId],
      )
      const turn: Turn = { runId, admitted: [], stopped: [], hasMore: false }
      if (rows.length === 0) return turn
      const view = await this.view(client, runId, rows[0].limits ?? {}, rows[0].total)
      const { admit, stop } = decide(view)
      turn.hasMore = admit.length === LOOKED_AT
      if (admit.length > 0) turn.admitted = await this.admit(client, runId, admit, now)
      if (stop) turn.stopped = await this.stop(client, runId, stop, now)
      await client.query(
        `UPDATE run SET is_admitting = false
         WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM command WHERE run_id = $1 AND ${HELD})`,
        [runId],
      )
      return turn
    })
  }

  private async view(
    client: pg.PoolClient,
    runId: string,
    limits: RunLimits,
    total: number,
  ): Promise<AdmissionView> {
    const held = await client.query(
      `SELECT id, position FROM command WHERE run_id = $1 AND ${HELD} ORDER BY position LIMIT ${LOOKED_AT}`,
      [runId],
    )
    const others = await client.query(
      `SELECT (SELECT coalesce(array_agg(position), '{}') FROM command WHERE run_id = $1 AND ${ACTIVE}) AS active,
         (SELECT count(*)::int FROM command
          WHERE run_id = $1 AND state IN ('failed', 'timed_out', 'lost') AND $2) AS failed`,
      [runId, limits.stopAfterFailures !== undefined],
    )
    const { active, failed } = others.rows[0]
    return { limits, total, held: held.rows, active, failed }
  }

  private async admit(client: pg.PoolClient, runId: string, ids: string[], now: Date): Promise<string[]> {
    const { rows } = await client.query(
      `UPDATE command SET admitted_at = $3, next_attempt_at = $3
       WHERE run_id = $1 AND id = ANY($2::uuid[]) AND ${HELD} RETURNING id`,
      [runId, ids, now],
    )
    return rows.map((row) => row.id)
  }

  private async stop(client: pg.PoolClient, runId: string, cause: StopCause, now: Date): Promise<string[]> {
    const { rows } = await client.query(
      `WITH stopped AS (UPDATE run SET stopped_at = $2 WHERE id = $1)
       UPDATE command SET state = 'cancelled', reason_code = 'run.stopped', reason = $3, ended_at = $2
       WHERE run_id = $1 AND ${HELD} RETURNING id`,
      [runId, now, stopReason(cause)],
    )
    return rows.map((row) => row.id)
  }
}
