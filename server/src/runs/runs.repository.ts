import { Injectable } from '@nestjs/common'
import { isErrorCode, sanitizeText } from '@rollcall/contracts'
import type { RunCommand } from '@rollcall/contracts/admin'
import { type HostScope, scopeParameter } from '../access/index.ts'
import { Database } from '../platform/prisma/database.ts'
import { OPEN_COMMANDS } from '../platform/prisma/state-sets.ts'
import { hasEnded, noCounts, type Progress, type Run } from './domain/run.ts'

/** Columns of the chosen runs, with what the commands of each have in common. */
const COLUMNS = `run.id, body_hash AS "bodyHash", run.requested_by AS "requestedBy", requester_kind AS "requesterKind",
  requester_id AS "requesterId", run.created_at AS "createdAt",
  first.program, first.args, first.cwd, first.timeout_ms::float8 AS "timeoutMs", total, target, skipped, limits,
  run.cancel_requested_at AS "cancelRequestedAt", stopped_at AS "stoppedAt", saved_command AS "savedCommand", schedule, playbook.*`

const FIRST = `CROSS JOIN LATERAL (
    SELECT program, args, cwd, timeout_ms FROM command WHERE run_id = run.id LIMIT 1
  ) AS first CROSS JOIN LATERAL (
    SELECT (
      SELECT jsonb_build_object('name', playbook, 'mode', mode, 'planId', plan_id, 'appliedBy', (
        SELECT apply.run_id FROM playbook_run AS apply JOIN run AS later ON later.id = apply.run_id
        WHERE apply.plan_id = playbook_run.run_id ORDER BY later.created_at DESC LIMIT 1))
      FROM playbook_run WHERE run_id = run.id
    ) AS playbook
  ) AS playbook`

/**
 * Runs with their progress at one moment: one that is seen to have ended is seen with the reason.
 * `chosen` selects the rows of the runs; their commands are counted for these alone.
 */
const withProgress = (chosen: string) => `SELECT ${COLUMNS}, progress.states,
    (SELECT count(*)::int FROM command WHERE run_id = run.id
       AND position IS NOT NULL AND state = 'pending' AND admitted_at IS NULL) AS held
  FROM (${chosen}) AS run ${FIRST} CROSS JOIN LATERAL (
    SELECT jsonb_agg(by_state) AS states FROM (
      SELECT state, count(*)::int AS count, max(ended_at) AS "endedAt"
      FROM command WHERE run_id = run.id GROUP BY state
    ) AS by_state
  ) AS progress
  ORDER BY run.created_at DESC, run.id DESC`

const RUN_COMMAND = `SELECT id, host_name AS host, state, state = 'pending' AND admitted_at IS NULL AS "isHeld",
  exit_code AS "exitCode", signal, reason_code AS "reasonCode", reason FROM command`

const UNFINISHED = `state IN (${OPEN_COMMANDS})`

/** Runs as they are shown, with the progress of their commands. */
@Injectable()
export class RunsRepository {
  constructor(private readonly database: Database) {}

  async find(id: string): Promise<Run | null> {
    const { rows } = await this.database.pool.query(`SELECT ${COLUMNS} FROM run ${FIRST} WHERE run.id = $1`, [
      id,
    ])
    return rows[0] ?? null
  }

  async findWithProgress(id: string): Promise<ShownRun | null> {
    const { rows } = await this.database.pool.query(withProgress('SELECT * FROM run WHERE id = $1'), [id])
    return rows[0] ? toShownRun(rows[0]) : null
  }

  /** Returns runs of programs and playbooks of which every host is in `scope`, newest first. */
  async list(
    scope: HostScope,
    limit: number,
    before: Pick<Run, 'createdAt' | 'id'> | null,
  ): Promise<ShownRun[]> {
    const { rows } = await this.database.pool.query(
      withProgress(
        `SELECT * FROM run WHERE kind IN ('command', 'playbook') ${before ? 'AND (created_at, id) < ($3, $4)' : ''}
           AND ($2::jsonb IS NULL OR NOT EXISTS (
             SELECT 1 FROM command LEFT JOIN host ON host.id = command.host_id
             WHERE run_id = run.id AND NOT coalesce(host_fits(host.labels, $2::jsonb), false)))
         ORDER BY created_at DESC, id DESC LIMIT $1`,
      ),
      [limit, scopeParameter(scope), ...(before ? [before.createdAt, before.id] : [])],
    )
    return rows.map(toShownRun)
  }

  /** Returns the names of the hosts of a run, in order. */
  async hostNames(runId: string, limit: number): Promise<string[]> {
    const { rows } = await this.database.pool.query(
      'SELECT DISTINCT host_name AS name FROM command WHERE run_id = $1 ORDER BY name LIMIT $2',
      [runId, limit],
    )
    return rows.map(({ name }) => name)
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

export interface ShownRun {
  run: Run
  progress: Progress
}

type StateCount = { state: keyof Progress['counts']; count: number; endedAt: string | null }

function toShownRun({ states, held, ...run }: Run & { states: StateCount[]; held: number }): ShownRun {
  const counts = noCounts()
  for (const { state, count } of states) counts[state] = count
  // Those that are held are pending by their state.
  counts.held = held
  counts.pending -= held
  const ends = states.flatMap(({ endedAt }) => (endedAt === null ? [] : [Date.parse(endedAt)]))
  const endedAt = hasEnded(counts) && ends.length > 0 ? new Date(Math.max(...ends)) : null
  return { run, progress: { counts, endedAt } }
}

const toRunCommand = (row: RunCommand): RunCommand => ({
  ...row,
  reasonCode: isErrorCode(row.reasonCode) ? row.reasonCode : null,
  reason: row.reason && sanitizeText(row.reason, 4000),
})
