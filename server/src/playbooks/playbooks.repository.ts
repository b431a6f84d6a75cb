import { Injectable } from '@nestjs/common'
import type { PlaybookHost, PlaybookRunView, TaskResult, TaskTotals } from '@rollcall/contracts/admin'
import { Sealer } from '../platform/crypto/sealer.ts'
import { Database } from '../platform/prisma/database.ts'
import type { Prisma } from '../platform/prisma/generated/client.ts'
import type { PlaybookOutcome } from './domain/playbook-events.ts'

export interface PlaybookOrder {
  playbook: string
  mode: PlaybookRunView['mode']
  isDiff: boolean
  /** As it was asked for; `auto` lets the server choose for each host. */
  requestedTransport: PlaybookRunView['via']
  variables: Record<string, unknown>
  planId: string | null
  /** Of its collection, to which it is held; null for one that comes with the server. */
  version: string | null
}

/** A playbook on one host, as it was ordered. */
export interface PlaybookWork extends PlaybookOrder {
  nonce: string
  expectedDigest: string | null
  /** Null until it is begun. */
  toolsVersion: string | null
  /** What it was started over; null while it certainly was not started. */
  transport: PlaybookHost['way']
}

export interface StoredOutcome {
  totals: TaskTotals | null
  tasks: TaskResult[]
  omitted: number
}

@Injectable()
export class PlaybooksRepository {
  constructor(
    private readonly database: Database,
    private readonly sealer: Sealer,
  ) {}

  /** Within the transaction that stores the run. `each` is one for each of its commands. */
  async insert(
    transaction: Prisma.TransactionClient,
    runId: string,
    { variables, requestedTransport: via, ...order }: PlaybookOrder,
    each: readonly { commandId: string; nonce: string; expectedDigest: string | null }[],
  ): Promise<void> {
    const sealed = Buffer.from(this.sealer.seal(JSON.stringify(variables), sealedAs(runId)))
    await transaction.playbookRun.create({ data: { runId, ...order, via, variables: sealed } })
    await transaction.playbookCommand.createMany({ data: [...each] })
  }

  async order(runId: string): Promise<PlaybookOrder | null> {
    const row = await this.database.prisma.playbookRun.findUnique({ where: { runId } })
    if (!row) return null
    const { playbook, mode, via, isDiff, planId, version } = row
    const variables = JSON.parse(
      this.sealer.open(row.variables, sealedAs(runId)),
    ) as PlaybookOrder['variables']
    return {
      playbook,
      isDiff,
      planId,
      version,
      variables,
      mode: mode as PlaybookOrder['mode'],
      requestedTransport: via as PlaybookOrder['requestedTransport'],
    }
  }

  /** Null for a command that is no playbook. */
  async work(commandId: string, runId: string): Promise<PlaybookWork | null> {
    const [order, row] = await Promise.all([
      this.order(runId),
      this.database.prisma.playbookCommand.findUnique({ where: { commandId } }),
    ])
    if (!order || !row) return null
    const { nonce, expectedDigest, toolsVersion, way } = row
    return { ...order, nonce, expectedDigest, toolsVersion, transport: way as PlaybookWork['transport'] }
  }

  /** Stores over what a playbook is started. It holds for every later attempt. */
  async fixTransport(commandId: string, transport: NonNullable<PlaybookWork['transport']>): Promise<void> {
    await this.database.pool.query('UPDATE playbook_command SET way = $2 WHERE command_id = $1', [
      commandId,
      transport,
    ])
  }

  /** With which tools it is begun, through the agent: the first answer holds for every later attempt. */
  async fixTools(commandId: string, toolsVersion: string): Promise<string> {
    const { rows } = await this.database.pool.query(
      `UPDATE playbook_command SET tools_version = coalesce(tools_version, $2), way = 'agent' WHERE command_id = $1
       RETURNING tools_version AS "toolsVersion"`,
      [commandId, toolsVersion],
    )
    return rows[0].toolsVersion
  }

  async storeOutcome(commandId: string, { totals, tasks, omitted, digest }: PlaybookOutcome): Promise<void> {
    await this.database.pool.query(
      'UPDATE playbook_command SET totals = $2, tasks = $3, omitted = $4, digest = $5 WHERE command_id = $1',
      [commandId, totals && JSON.stringify(totals), JSON.stringify(tasks), omitted, digest],
    )
  }

  /** Null while it has not ended. */
  async outcome(commandId: string): Promise<StoredOutcome | null> {
    const row = await this.database.prisma.playbookCommand.findUnique({ where: { commandId } })
    if (!row?.tasks) return null
    return {
      totals: row.totals as TaskTotals | null,
      tasks: row.tasks as TaskResult[],
      omitted: row.omitted,
    }
  }

  /** The hosts where a plan succeeded, with what it would do there. */
  async planned(runId: string): Promise<{ hostId: string; digest: string }[]> {
    const { rows } = await this.database.pool.query(
      `SELECT host_id AS "hostId", digest FROM command JOIN playbook_command ON command_id = command.id
       WHERE run_id = $1 AND state = 'success' AND digest IS NOT NULL ORDER BY host_name`,
      [runId],
    )
    return rows
  }

  /** By name of the host. */
  async hosts(runId: string): Promise<PlaybookHost[]> {
    const { rows } = await this.database.pool.query(
      `SELECT command.id AS "commandId", host_name AS host, state, reason, way, totals, digest
       FROM command JOIN playbook_command ON command_id = command.id WHERE run_id = $1 ORDER BY host_name`,
      [runId],
    )
    return rows
  }
}

const sealedAs = (runId: string) => `playbook_run/${runId}/variables`
