import { Injectable } from '@nestjs/common'
import { isErrorCode, sanitizeText } from '@rollcall/contracts'
import type { RunCommand } from '@rollcall/contracts/admin'
import { type HostScope, scopeParameter } from '../access/index.ts'
import { CommandLifecycleRepository, CommandsRepository, IS_HELD } from '../commands/index.ts'
import { Database } from '../platform/prisma/database.ts'
import { OPEN_COMMANDS } from '../platform/prisma/state-sets.ts'
import type { Transaction } from '../platform/prisma/transaction.ts'
import type { NewCommandRun } from './domain/new-run.ts'
import { hasEnded, noCounts, type Progress, type Run, type ShownRun } from './domain/run.ts'
import type { StoredGroup, Uncompared } from './domain/summary.ts'

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
    (SELECT count(*)::int FROM command WHERE run_id = run.id AND ${IS_HELD}) AS held
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
/** The output of the command can be compared, and was not compared yet. */
const TO_COMPARE = `NOT ${UNFINISHED} AND output_bytes > 0 AND output_digest IS NULL AND output_removed_at IS NULL`

/** Runs as they are stored and shown, with the progress of their commands. */
@Injectable()
export class RunsRepository {
  constructor(
    private readonly database: Database,
    private readonly commandRows: CommandsRepository,
    private readonly lifecycle: CommandLifecycleRepository,
  ) {}

  /** Stores a run with all its commands, and what `also` does in the same transaction, or nothing. */
  async insert(run: NewCommandRun, also?: (transaction: Transaction) => Promise<void>): Promise<void> {
    const { commands, target, limits, requester, ...record } = run
    const data = {
      ...record,
      requesterKind: requester?.kind ?? null,
      requesterId: requester?.id ?? null,
      total: commands.length,
      target: target ?? undefined,
      limits: limits ?? undefined,
    }
    await this.database.prisma.$transaction(async (transaction) => {
      await transaction.run.create({ data })
      await this.commandRows.insert(transaction, commands)
      await also?.(transaction)
    })
  }

  /** Requests that a run end: its unfinished commands, of which it returns what became of each. */
  requestCancel(id: string, now: Date): Promise<{ id: string; hasEnded: boolean }[]> {
    return this.database.transaction(async (transaction) => {
      // The run is locked first, as it is where its commands are admitted.
      await transaction.execute(
        'UPDATE run SET cancel_requested_at = coalesce(cancel_requested_at, $2) WHERE id = $1',
        [id, now],
      )
      return this.lifecycle.requestCancelOfRun(transaction, id, now)
    })
  }

  async find(id: string): Promise<Run | null> {
    return this.database.first(`SELECT ${COLUMNS} FROM run ${FIRST} WHERE run.id = $1`, [id])
  }

  async findWithProgress(id: string): Promise<ShownRun | null> {
    const row = await this.database.first<ShownRow>(withProgress('SELECT * FROM run WHERE id = $1'), [id])
    return row && toShownRun(row)
  }

  /** Returns runs of programs and playbooks of which every host is in `scope`, newest first. */
  async list(
    scope: HostScope,
    limit: number,
    before: Pick<Run, 'createdAt' | 'id'> | null,
  ): Promise<ShownRun[]> {
    const rows = await this.database.query<ShownRow>(
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
    const rows = await this.database.query<{ name: string }>(
      'SELECT DISTINCT host_name AS name FROM command WHERE run_id = $1 ORDER BY name LIMIT $2',
      [runId, limit],
    )
    return rows.map(({ name }) => name)
  }

  unfinishedCommands(runId: string): Promise<RunCommand[]> {
    return this.commandsThat(`run_id = $1 AND ${UNFINISHED}`, runId)
  }

  endedCommands(runId: string): Promise<RunCommand[]> {
    return this.commandsThat(`run_id = $1 AND NOT ${UNFINISHED}`, runId)
  }

  commands(ids: readonly string[]): Promise<RunCommand[]> {
    return this.commandsThat('id = ANY($1::uuid[])', ids)
  }

  private async commandsThat(condition: string, value: string | readonly string[]): Promise<RunCommand[]> {
    const rows = await this.database.query<RunCommand>(`${RUN_COMMAND} WHERE ${condition}`, [value])
    return rows.map(withReadableReason)
  }

  /** Returns at most `limit` commands whose output was not compared yet, in the order of their ids after `after`. */
  async uncompared(runId: string, after: string, limit: number): Promise<Uncompared[]> {
    return this.database.query(
      `SELECT id, output_bytes::float8 AS "outputBytes", dropped_bytes::float8 AS "droppedBytes" FROM command
       WHERE run_id = $1 AND ${TO_COMPARE} AND id > $2 ORDER BY id LIMIT $3`,
      [runId, after, limit],
    )
  }

  /** Returns the groups, the largest first. Commands that have not ended are grouped by their state alone. */
  async groups(runId: string): Promise<StoredGroup[]> {
    const rows = await this.database.query<StoredGroup>(
      `WITH outcome AS (
         SELECT id, host_name, state, state = 'pending' AND admitted_at IS NULL AS held, exit_code, signal,
           CASE WHEN NOT ${UNFINISHED} THEN reason_code END AS reason_code, reason,
           output_bytes, dropped_bytes, CASE WHEN NOT ${UNFINISHED} THEN coalesce(output_digest, ''::bytea) END AS digest,
           NOT ${UNFINISHED} AND output_bytes > 0 AND output_digest IS NULL AS uncompared
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
    return rows.map(withReadableReason)
  }
}

type StateCount = { state: keyof Progress['counts']; count: number; endedAt: string | null }

type ShownRow = Run & { states: StateCount[]; held: number }

function toShownRun({ states, held, ...run }: ShownRow): ShownRun {
  const counts = noCounts()
  for (const { state, count } of states) counts[state] = count
  // Those that are held are pending by their state.
  counts.held = held
  counts.pending -= held
  const ends = states.flatMap(({ endedAt }) => (endedAt === null ? [] : [Date.parse(endedAt)]))
  const endedAt = hasEnded(counts) && ends.length > 0 ? new Date(Math.max(...ends)) : null
  return { run, progress: { counts, endedAt } }
}

const withReadableReason = <T extends Pick<RunCommand, 'reason' | 'reasonCode'>>(row: T): T => ({
  ...row,
  reasonCode: isErrorCode(row.reasonCode) ? row.reasonCode : null,
  reason: row.reason && sanitizeText(row.reason, 4000),
})
