import { Injectable } from '@nestjs/common'
import { isErrorCode, sanitizeText } from '@rollcall/contracts'
import type { RunCommand } from '@rollcall/contracts/admin'
import { Database } from '../platform/prisma/database.ts'
import { hasEnded, noCounts, type Progress, type Run } from './domain/run.ts'

/** The columns of a run, with what its commands have in common. */
const RUN = `SELECT run.id, body_hash AS "bodyHash", run.requested_by AS "requestedBy", run.created_at AS "createdAt",
  first.program, first.args, first.cwd, first.timeout_ms::float8 AS "timeoutMs", total, target, skipped, limits,
  run.cancel_requested_at AS "cancelRequestedAt", stopped_at AS "stoppedAt", saved_command AS "savedCommand", schedule
  FROM run CROSS JOIN LATERAL (
    SELECT program, args, cwd, timeout_ms FROM command WHERE run_id = run.id LIMIT 1
  ) AS first`

const RUN_COMMAND = `SELECT id, host_name AS host, state, state = 'pending' AND admitted_at IS NULL AS "isHeld",
  exit_code AS "exitCode", signal, reason_code AS "reasonCode", reason FROM command`

const UNFINISHED = "state IN ('pending', 'running')"

/** Runs as they are shown, and how far their commands have come. */
@Injectable()
export class RunsRepository {
  constructor(private readonly database: Database) {}

  async find(id: string): Promise<Run | null> {
    const { rows } = await this.database.pool.query(`${RUN} WHERE run.id = $1`, [id])
    return rows[0] ?? null
  }

  /** Runs of programs, newest first. */
  async list(limit: number, before: Pick<Run, 'createdAt' | 'id'> | null): Promise<Run[]> {
    const { rows } = await this.database.pool.query(
      `${RUN} WHERE kind = 'command' ${before ? 'AND (run.created_at, run.id) < ($2, $3)' : ''}
       ORDER BY run.created_at DESC, run.id DESC LIMIT $1`,
      before ? [limit, before.createdAt, before.id] : [limit],
    )
    return rows
  }

  /** How far each of the runs has come, by id. */
  async progress(ids: readonly string[]): Promise<Map<string, Progress>> {
    const { rows } = await this.database.pool.query(
      `SELECT run_id AS id, state, count(*)::int AS count, max(ended_at) AS "endedAt"
       FROM command WHERE run_id = ANY($1::uuid[]) GROUP BY run_id, state
       UNION ALL
       SELECT run_id, 'held', count(*)::int, NULL
       FROM command WHERE run_id = ANY($1::uuid[]) AND position IS NOT NULL AND state = 'pending' AND admitted_at IS NULL
       GROUP BY run_id`,
      [ids],
    )
    const found = new Map(ids.map((id): [string, Progress] => [id, { counts: noCounts(), endedAt: null }]))
    for (const { id, state, count, endedAt } of rows) {
      const progress = found.get(id)
      if (!progress) continue
      progress.counts[state as keyof Progress['counts']] += count
      // Those that are held are pending by their state.
      if (state === 'held') progress.counts.pending -= count
      if (endedAt && (!progress.endedAt || endedAt > progress.endedAt)) progress.endedAt = endedAt
    }
    for (const progress of found.values()) if (!hasEnded(progress.counts)) progress.endedAt = null
    return found
  }

  async unfinishedCommands(runId: string): Promise<RunCommand[]> {
    const { rows } = await this.database.pool.query(`${RUN_COMMAND} WHERE run_id = $1 AND ${UNFINISHED}`, [
      runId,
    ])
    return rows.map(toRunCommand)
  }

  async endedCommands(runId: string): Promise<RunCommand[]> {
    const { rows } = await this.database.pool.query(
      `${RUN_COMMAND} WHERE run_id = $1 AND NOT ${UNFINISHED}`,
      [runId],
    )
    return rows.map(toRunCommand)
  }

  async commands(ids: readonly string[]): Promise<RunCommand[]> {
    const { rows } = await this.database.pool.query(`${RUN_COMMAND} WHERE id = ANY($1::uuid[])`, [ids])
    return rows.map(toRunCommand)
  }
}

const toRunCommand = (row: RunCommand): RunCommand => ({
  ...row,
  reasonCode: isErrorCode(row.reasonCode) ? row.reasonCode : null,
  reason: row.reason && sanitizeText(row.reason, 4000),
})
