import { Injectable } from '@nestjs/common'
import type { PlaybookHost, TaskResult, TaskTotals } from '@rollcall/contracts/admin'
import { Sealer } from '../platform/crypto/sealer.ts'
import { Database } from '../platform/prisma/database.ts'
import type { Prisma } from '../platform/prisma/generated/client.ts'
import type { PlaybookOutcome, StoredOutcome } from './domain/playbook-events.ts'
import type { PlaybookRequest, PlaybookWork } from './domain/playbook-request.ts'

@Injectable()
export class PlaybooksRepository {
  constructor(
    private readonly database: Database,
    private readonly sealer: Sealer,
  ) {}

  /** Stores a request within the transaction that stores the run. `each` has an entry for each of its commands. */
  async insert(
    transaction: Prisma.TransactionClient,
    runId: string,
    { variables, requestedTransport: via, ...order }: PlaybookRequest,
    each: readonly { commandId: string; nonce: string; expectedDigest: string | null }[],
  ): Promise<void> {
    const sealed = Buffer.from(this.sealer.seal(JSON.stringify(variables), sealedAs(runId)))
    await transaction.playbookRun.create({ data: { runId, ...order, via, variables: sealed } })
    await transaction.playbookCommand.createMany({ data: [...each] })
  }

  async order(runId: string): Promise<PlaybookRequest | null> {
    const row = await this.database.prisma.playbookRun.findUnique({ where: { runId } })
    if (!row) return null
    const { playbook, mode, via, isDiff, planId, version } = row
    const variables = JSON.parse(
      this.sealer.open(row.variables, sealedAs(runId)),
    ) as PlaybookRequest['variables']
    return {
      playbook,
      isDiff,
      planId,
      version,
      variables,
      mode: mode as PlaybookRequest['mode'],
      requestedTransport: via as PlaybookRequest['requestedTransport'],
    }
  }

  /** Returns the playbook of a command; null for a command that is none. */
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
  async storeTransport(commandId: string, transport: NonNullable<PlaybookWork['transport']>): Promise<void> {
    const sql = 'UPDATE playbook_command SET way = $2 WHERE command_id = $1'
    await this.database.execute(sql, [commandId, transport])
  }

  /** Stores the tools that it is started with through the agent. Returns those of the first attempt. */
  async storeTools(commandId: string, toolsVersion: string): Promise<string> {
    const started = await this.database.one<{ toolsVersion: string }>(
      `UPDATE playbook_command SET tools_version = coalesce(tools_version, $2), way = 'agent' WHERE command_id = $1
       RETURNING tools_version AS "toolsVersion"`,
      [commandId, toolsVersion],
    )
    return started.toolsVersion
  }

  async storeOutcome(commandId: string, { totals, tasks, omitted, digest }: PlaybookOutcome): Promise<void> {
    await this.database.execute(
      'UPDATE playbook_command SET totals = $2, tasks = $3, omitted = $4, digest = $5 WHERE command_id = $1',
      [commandId, totals && JSON.stringify(totals), JSON.stringify(tasks), omitted, digest],
    )
  }

  /** Returns the results; null while it has not ended. */
  async outcome(commandId: string): Promise<StoredOutcome | null> {
    const row = await this.database.prisma.playbookCommand.findUnique({ where: { commandId } })
    if (!row?.tasks) return null
    return {
      totals: row.totals as TaskTotals | null,
      tasks: row.tasks as TaskResult[],
      omitted: row.omitted,
    }
  }

  /** Returns the hosts where a plan succeeded, with the digest of what it would do there. */
  async planned(runId: string): Promise<{ hostId: string; digest: string }[]> {
    return this.database.query(
      `SELECT host_id AS "hostId", digest FROM command JOIN playbook_command ON command_id = command.id
       WHERE run_id = $1 AND state = 'success' AND digest IS NOT NULL ORDER BY host_name`,
      [runId],
    )
  }

  /** Returns the hosts of a run by their names. */
  async hosts(runId: string): Promise<PlaybookHost[]> {
    return this.database.query(
      `SELECT command.id AS "commandId", host_name AS host, state, reason, way, totals, digest
       FROM command JOIN playbook_command ON command_id = command.id WHERE run_id = $1 ORDER BY host_name`,
      [runId],
    )
  }
}

const sealedAs = (runId: string) => `playbook_run/${runId}/variables`
