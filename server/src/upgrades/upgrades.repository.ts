import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import type { UpgradeHostState, UpgradeState } from '@rollcall/contracts/admin'
import { HostsRepository } from '../hosts/index.ts'
import { ConcurrentUpdateError } from '../platform/leases/concurrent-update-error.ts'
import { Database } from '../platform/prisma/database.ts'
import { ANSWERING_HOSTS, OPEN_COMMANDS } from '../platform/prisma/state-sets.ts'
import { type NewCommandRun, RunsRepository } from '../runs/index.ts'
import { stateOfEnded } from './domain/host-outcome.ts'
import type { RingHost } from './domain/next-move.ts'
import type { Upgrade, UpgradeHost } from './domain/upgrade.ts'

const IS_OPEN = "state IN ('running', 'paused', 'cancelling')"

type EndedHost = Parameters<typeof stateOfEnded>[0] & {
  hostId: string
  reason: string | null
  endedAt: Date | null
}

const MAX_LISTED = 100
const COLUMNS = `id, version, rings, state, reason, requested_by AS "requestedBy", created_at AS "createdAt", ended_at AS "endedAt"`

@Injectable()
export class UpgradesRepository {
  constructor(
    private readonly database: Database,
    private readonly runs: RunsRepository,
    private readonly hosts: HostsRepository,
  ) {}

  async insert(upgrade: Upgrade, hosts: readonly UpgradeHost[]): Promise<void> {
    await this.database.prisma.upgrade.create({
      data: { ...upgrade, hosts: { createMany: { data: [...hosts] } } },
    })
  }

  async find(id: string): Promise<Upgrade | null> {
    return this.database.first(`SELECT ${COLUMNS} FROM upgrade WHERE id = $1`, [id])
  }

  /** Newest first. */
  async list(): Promise<Upgrade[]> {
    const sql = `SELECT ${COLUMNS} FROM upgrade ORDER BY created_at DESC, id LIMIT $1`
    return this.database.query(sql, [MAX_LISTED])
  }

  /** In the order in which their turn comes. */
  async hostsOf(id: string): Promise<UpgradeHost[]> {
    return this.database.query(
      `SELECT host_id AS "hostId", host_name AS "hostName", position, ring, state, reason,
         command_id AS "commandId", ended_at AS "endedAt"
       FROM upgrade_host WHERE upgrade_id = $1 ORDER BY position`,
      [id],
    )
  }

  /** How many hosts of each upgrade are in which state. */
  async counts(ids: readonly string[]): Promise<{ id: string; state: UpgradeHostState; count: number }[]> {
    return this.database.query(
      `SELECT upgrade_id AS id, state, count(*)::int AS count FROM upgrade_host
       WHERE upgrade_id = ANY($1::uuid[]) GROUP BY 1, 2`,
      [ids],
    )
  }

  async unended(): Promise<string[]> {
    const sql = `SELECT id FROM upgrade WHERE ${IS_OPEN} ORDER BY created_at`
    return this.database.ids(sql)
  }

  /** Changes a state that is one of `from`. False when it is another by now. */
  async change(id: string, from: readonly string[], to: Upgrade['state']): Promise<boolean> {
    const sql = 'UPDATE upgrade SET state = $3 WHERE id = $1 AND state = ANY($2::text[])'
    return (await this.database.execute(sql, [id, from, to])) === 1
  }

  /** Takes over what became of hosts whose command has ended. A command that left with its host counts as refused. */
  async collect(id: string, now: Date): Promise<void> {
    const rows = await this.database.query<EndedHost>(
      `SELECT upgrade_host.host_id AS "hostId", coalesce(command.state, 'failed') AS state,
         command.reason_code AS "reasonCode", command.reason, command.ended_at AS "endedAt"
       FROM upgrade_host LEFT JOIN command ON command.id = upgrade_host.command_id
       WHERE upgrade_id = $1 AND upgrade_host.state = 'upgrading'
         AND (command.id IS NULL OR command.state NOT IN (${OPEN_COMMANDS}))`,
      [id],
    )
    for (const row of rows)
      await this.database.execute(
        `UPDATE upgrade_host SET state = $3, reason = coalesce($4, reason), ended_at = $5
         WHERE upgrade_id = $1 AND host_id = $2 AND state = 'upgrading'`,
        [id, row.hostId, stateOfEnded(row), row.reason, row.endedAt ?? now],
      )
  }

  /** As `nextMove` sees them. */
  async ringHosts(id: string): Promise<RingHost[]> {
    return this.database.query(
      `SELECT host_id AS id, host_name AS name, ring, upgrade_host.state, ended_at AS "endedAt",
         coalesce(host.state IN (${ANSWERING_HOSTS}), true) AS "isWell"
       FROM upgrade_host LEFT JOIN host ON host.id = host_id WHERE upgrade_id = $1 ORDER BY position`,
      [id],
    )
  }

  /** Stores that it is a host's turn, with its command and the host's state, together or not at all. Throws `ConcurrentUpdateError` and `host.busy`. */
  async begin(id: string, hostId: string, run: NewCommandRun, now: Date): Promise<void> {
    const [{ id: commandId }] = run.commands
    await this.runs.insert(run, async (transaction) => {
      const turned = await transaction.upgradeHost.updateMany({
        where: { upgradeId: id, hostId, state: 'waiting', upgrade: { state: 'running' } },
        data: { state: 'upgrading', commandId },
      })
      const hasBegun = await this.hosts.beginWork(hostId, 'upgrading', commandId, now, transaction)
      if (turned.count === 0) throw new ConcurrentUpdateError()
      if (hasBegun) return
      throw new RollcallError('host.busy', 'The host is being installed, upgraded or removed, or is gone.')
    })
  }

  /** Selects from these hosts those whose agent is of this release. */
  async running(version: string, hostIds: readonly string[]): Promise<Set<string>> {
    const sql = 'SELECT host_id AS id FROM agent WHERE version = $1 AND host_id = ANY($2::uuid[])'
    return new Set(await this.database.ids(sql, [version, hostIds]))
  }

  /** Ends a host that could not be started. */
  async refuse(id: string, hostId: string, reason: string, now: Date): Promise<void> {
    await this.database.execute(
      `UPDATE upgrade_host SET state = 'refused', reason = $3, ended_at = $4
       WHERE upgrade_id = $1 AND host_id = $2 AND state = 'waiting'`,
      [id, hostId, reason, now],
    )
  }

  /** Ends an upgrade, and the hosts that were never started. */
  async end(id: string, state: UpgradeState, reason: string | null, now: Date): Promise<void> {
    await this.database.execute(
      `WITH ended AS (
         UPDATE upgrade SET state = $2, reason = $3, ended_at = $4
         WHERE id = $1 AND ${IS_OPEN} RETURNING id
       )
       UPDATE upgrade_host SET state = 'cancelled', ended_at = $4
       FROM ended WHERE upgrade_id = ended.id AND upgrade_host.state = 'waiting'`,
      [id, state, reason, now],
    )
  }
}
