import { Injectable } from '@nestjs/common'
import { isErrorCode } from '@rollcall/contracts'
import type { CommandKind, CommandState, RunLimits, SkippedHost, Target } from '@rollcall/contracts/admin'
import { type HostScope, type PrincipalRef, scopeParameter } from '../access/index.ts'
import { Sealer } from '../platform/crypto/sealer.ts'
import { Database } from '../platform/prisma/database.ts'
import type { Prisma, Command as Row } from '../platform/prisma/generated/client.ts'
import type { Command } from './domain/command.ts'

/** Rows in one statement, which bounds its size. */
const INSERT_ROWS = 1000
const TRANSACTION_LIMITS = { maxWait: 10_000, timeout: 60_000 }

export interface CommandFilter {
  hostId?: string | undefined
  /** Part of the names of hosts. */
  search?: string | undefined
  runId?: string | undefined
  state?: CommandState | undefined
  kind?: CommandKind | undefined
  before?: { createdAt: Date; id: string } | undefined
  limit: number
}

export interface RunRecord {
  id: string
  bodyHash: string
  requestedBy: string
  /** Whose present rights count; missing where no person asked. */
  requester?: PrincipalRef | null
  createdAt: Date
  kind: CommandKind
  /** All that follows is only for runs of programs. Null or missing where hosts were named. */
  target?: Pick<Target, 'labels' | 'all'> | null
  skipped?: SkippedHost[]
  limits?: RunLimits | null
  /** Some commands still wait for their turn. */
  isAdmitting?: boolean
  savedCommand?: string | null
  schedule?: string | null
}

/** Columns as `fromRow` reads them, for SQL written by hand. */
export const COMMAND_COLUMNS = [
  'id',
  'kind',
  'program',
  'args',
  'env',
  'cwd',
  'tty',
  'columns',
  'rows',
  'stdin',
  'state',
  'reason',
  'signal',
  'run_id',
  'host_id',
  'host_name',
  'timeout_ms',
  'start_within_ms',
  'reason_code',
  'exit_code',
  'requested_by',
  'cancel_requested_at',
  'created_at',
  'admitted_at',
  'dispatched_at',
  'started_at',
  'ended_at',
  'position',
  'unanswered_since',
  'output_bytes',
  'dropped_bytes',
  'output_removed_at',
  'input_bytes',
  'output_cut_bytes',
  'output_mark_bytes',
  'is_output_cut',
]
  .map(
    (column) =>
      `command."${column}" AS "${column.replace(/_(.)/g, (_match, letter: string) => letter.toUpperCase())}"`,
  )
  .join(', ')

/** A run with its commands, of which there is at least one. They are new, and differ in nothing but host and turn. */
export type NewCommandRun = RunRecord & { commands: [Command, ...Command[]] }

/** Commands as they are requested and shown; leases, lifecycle and output have repositories of their own. */
@Injectable()
export class CommandsRepository {
  constructor(
    private readonly database: Database,
    private readonly sealer: Sealer,
  ) {}

  /** Stores a run with all its commands, and what `also` does in the same transaction, or nothing. */
  async insertRun(
    run: NewCommandRun,
    also?: (transaction: Prisma.TransactionClient) => Promise<void>,
  ): Promise<void> {
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
      for (let first = 0; first < commands.length; first += INSERT_ROWS)
        await this.insertCommands(transaction, run.id, commands.slice(first, first + INSERT_ROWS))
      await also?.(transaction)
    }, TRANSACTION_LIMITS)
  }

  async find(id: string): Promise<Command | null> {
    const row = await this.database.prisma.command.findUnique({ where: { id } })
    return row && this.fromRow(row)
  }

  /** Returns commands on hosts in `scope`, newest first. */
  async list(scope: HostScope, filter: CommandFilter): Promise<Command[]> {
    const { before, search } = filter
    const hostIds = scope === null && search === undefined ? null : await this.hostsIn(scope, search)
    const rows = await this.database.prisma.command.findMany({
      where: {
        ...(hostIds && { hostId: { in: hostIds } }),
        ...(filter.hostId && { hostId: filter.hostId, ...(hostIds && { AND: { hostId: { in: hostIds } } }) }),
        ...(filter.runId && { runId: filter.runId }),
        ...(filter.state && { state: filter.state }),
        ...(filter.kind && { kind: filter.kind }),
        ...(before && {
          OR: [
            { createdAt: { lt: before.createdAt } },
            { createdAt: before.createdAt, id: { lt: before.id } },
          ],
        }),
      },
      orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
      take: filter.limit,
    })
    return rows.map((row) => this.fromRow(row))
  }

  /** Stores how much input a command has taken, so that the next writer, on another page or after a reload, continues there. */
  async noteInput(id: string, nextOffset: number): Promise<void> {
    const sql = 'UPDATE command SET input_bytes = greatest(input_bytes, $2) WHERE id = $1'
    await this.database.pool.query(sql, [id, nextOffset])
  }

  /** Searches the present fleet. Commands of a host that has left it are found by its whole name alone. */
  private async hostsIn(scope: HostScope, search = ''): Promise<string[]> {
    const { rows } = await this.database.pool.query(
      `SELECT id FROM host WHERE ($1::jsonb IS NULL OR host_fits(labels, $1::jsonb)) AND strpos(lower(name), lower($2)) > 0
       UNION SELECT host_id FROM command WHERE $1::jsonb IS NULL AND host_name = $2`,
      [scopeParameter(scope), search],
    )
    return rows.map(({ id }) => id)
  }

  /** One statement with few values: Prisma's own takes ten times as long for a thousand rows. */
  private async insertCommands(
    transaction: Prisma.TransactionClient,
    runId: string,
    commands: readonly Command[],
  ): Promise<void> {
    const [shared] = commands
    if (!shared) return
    const { kind, program, cwd, tty, columns, rows, stdin, requestedBy } = shared
    const at = shared.createdAt.toISOString()
    const each = commands.map(({ id, hostId, hostName, env, position, admittedAt }) => ({
      id,
      host_id: hostId,
      host_name: hostName,
      position,
      admitted_at: admittedAt,
      env: Buffer.from(this.sealer.seal(JSON.stringify(env), toEnvironment(id))).toString('base64'),
    }))
    await transaction.$executeRaw`
      INSERT INTO command (id, run_id, kind, host_id, host_name, program, args, env, cwd, timeout_ms, start_within_ms,
        tty, columns, rows, stdin, state, requested_by, created_at, next_attempt_at, position, admitted_at)
      SELECT id, ${runId}::uuid, ${kind}, host_id, host_name, ${program}, ${JSON.stringify(shared.args)}::jsonb,
        decode(env, 'base64'), ${cwd}, ${shared.timeoutMs}::bigint, ${shared.startWithinMs}::bigint,
        ${tty}, ${columns}::int, ${rows}::int, ${stdin}, 'pending', ${requestedBy}, ${at}::timestamptz, ${at}::timestamptz,
        position, admitted_at
      FROM jsonb_to_recordset(${JSON.stringify(each)}::jsonb)
        AS each(id uuid, host_id uuid, host_name text, env text, position int, admitted_at timestamptz)`
  }

  fromRow(row: Row): Command {
    return {
      id: row.id,
      runId: row.runId,
      kind: row.kind as CommandKind,
      hostId: row.hostId,
      hostName: row.hostName,
      program: row.program,
      args: row.args as string[],
      env: JSON.parse(this.sealer.open(row.env, toEnvironment(row.id))) as Record<string, string>,
      cwd: row.cwd,
      timeoutMs: Number(row.timeoutMs),
      startWithinMs: Number(row.startWithinMs),
      tty: row.tty,
      columns: row.columns,
      rows: row.rows,
      stdin: row.stdin,
      state: row.state as CommandState,
      reasonCode: isErrorCode(row.reasonCode) ? row.reasonCode : null,
      reason: row.reason,
      exitCode: row.exitCode,
      signal: row.signal,
      requestedBy: row.requestedBy,
      cancelRequestedAt: row.cancelRequestedAt,
      createdAt: row.createdAt,
      position: row.position,
      admittedAt: row.admittedAt,
      dispatchedAt: row.dispatchedAt,
      startedAt: row.startedAt,
      endedAt: row.endedAt,
      unansweredSince: row.unansweredSince,
      outputBytes: Number(row.outputBytes),
      droppedBytes: Number(row.droppedBytes),
      cutBytes: Number(row.outputCutBytes),
      markBytes: Number(row.outputMarkBytes),
      isOutputCut: row.isOutputCut,
      inputBytes: Number(row.inputBytes),
      outputRemovedAt: row.outputRemovedAt,
    }
  }
}

const toEnvironment = (id: string) => `command/${id}/env`
