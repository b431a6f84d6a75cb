import { Injectable } from '@nestjs/common'
import { isErrorCode } from '@rollcall/contracts'
import type { CommandKind, CommandState } from '@rollcall/contracts/admin'
import { type HostScope, scopeParameter } from '../access/index.ts'
import { Sealer } from '../platform/crypto/sealer.ts'
import { selectColumns } from '../platform/prisma/columns.ts'
import { Database } from '../platform/prisma/database.ts'
import { type Command as CommandRow, Prisma } from '../platform/prisma/generated/client.ts'
import type { Transaction } from '../platform/prisma/transaction.ts'
import type { Command, CommandFilter } from './domain/command.ts'

export type { CommandRow }

/** Rows in one statement, which bounds its size. */
const INSERT_ROWS = 1000

/** Columns as `fromRow` reads them, for SQL written by hand. */
export const COMMAND_COLUMNS = selectColumns('command', Object.values(Prisma.CommandScalarFieldEnum))

/** Commands as they are requested and shown; leases, lifecycle and output have repositories of their own. */
@Injectable()
export class CommandsRepository {
  constructor(
    private readonly database: Database,
    private readonly sealer: Sealer,
  ) {}

  /** Stores the commands of a new run. They differ in nothing but host and turn. */
  async insert(transaction: Transaction, commands: readonly Command[]): Promise<void> {
    for (let first = 0; first < commands.length; first += INSERT_ROWS)
      await this.insertBatch(transaction, commands.slice(first, first + INSERT_ROWS))
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
    await this.database.execute(sql, [id, nextOffset])
  }

  /** Searches the present fleet. Commands of a host that has left it are found by its whole name alone. */
  private async hostsIn(scope: HostScope, search = ''): Promise<string[]> {
    return this.database.ids(
      `SELECT id FROM host WHERE ($1::jsonb IS NULL OR host_fits(labels, $1::jsonb)) AND strpos(lower(name), lower($2)) > 0
       UNION SELECT host_id FROM command WHERE $1::jsonb IS NULL AND host_name = $2`,
      [scopeParameter(scope), search],
    )
  }

  /** One statement with few values: Prisma's own takes ten times as long for a thousand rows. */
  private async insertBatch(transaction: Transaction, commands: readonly Command[]): Promise<void> {
    const [shared] = commands
    if (!shared) return
    const { runId, kind, program, cwd, tty, columns, rows, stdin, requestedBy } = shared
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

  fromRow(stored: CommandRow): Command {
    const { outputCutBytes, outputMarkBytes, ...known } = stored
    const {
      leaseOwner: _,
      nextAttemptAt: _next,
      releasedAt: _released,
      outputDigest: _digest,
      ...row
    } = known
    return {
      ...row,
      kind: row.kind as CommandKind,
      args: row.args as string[],
      env: JSON.parse(this.sealer.open(row.env, toEnvironment(row.id))) as Record<string, string>,
      timeoutMs: Number(row.timeoutMs),
      startWithinMs: Number(row.startWithinMs),
      state: row.state as CommandState,
      reasonCode: isErrorCode(row.reasonCode) ? row.reasonCode : null,
      outputBytes: Number(row.outputBytes),
      droppedBytes: Number(row.droppedBytes),
      cutBytes: Number(outputCutBytes),
      markBytes: Number(outputMarkBytes),
      inputBytes: Number(row.inputBytes),
    }
  }
}

const toEnvironment = (id: string) => `command/${id}/env`
