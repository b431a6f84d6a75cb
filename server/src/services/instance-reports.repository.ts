import { Injectable } from '@nestjs/common'
import { Database } from '../platform/prisma/database.ts'
import { ANSWERING_HOSTS } from '../platform/prisma/state-sets.ts'
import type { StoredReport } from './domain/instance-row.ts'
import type { ReadReport } from './domain/read-report.ts'

/** Reports of hosts about their instances. When one was heard is the database's time, as is when a step begins: they are compared. */
@Injectable()
export class InstanceReportsRepository {
  constructor(private readonly database: Database) {}

  /** Returns the hosts with instances that answer and that this server calls: each host is asked by one server. */
  hosts(server: string): Promise<string[]> {
    return this.database.ids(
      `SELECT DISTINCT instance.host_id AS id FROM instance JOIN roll ON roll.host_id = instance.host_id
         JOIN host ON host.id = instance.host_id
       WHERE roll.lease_owner = $1 AND host.state IN (${ANSWERING_HOSTS}) AND instance.command_id IS NOT NULL`,
      [server],
    )
  }

  /** Returns the instances that the servers have put on a host. */
  expected(hostId: string): Promise<string[]> {
    const sql = 'SELECT id FROM instance WHERE host_id = $1 AND command_id IS NOT NULL ORDER BY id'
    return this.database.ids(sql, [hostId])
  }

  /** Stores what is new of a host's instances, which are looked at then. */
  async store(hostId: string, instances: ReadReport['instances'], now: Date): Promise<void> {
    const rows = [...instances].map(([id, said]) => ({ id, ...said }))
    await this.database.execute(
      `UPDATE instance SET report = said.report, reported_at = clock_timestamp(), containers = said.containers, checks = said.checks, due_at = $3
       FROM jsonb_to_recordset($2::jsonb) AS said (id text, report jsonb, containers jsonb, checks jsonb)
       WHERE instance.id = said.id AND host_id = $1
         AND (instance.report, instance.containers, instance.checks) IS DISTINCT FROM (said.report, said.containers, said.checks)`,
      [hostId, JSON.stringify(rows), now],
    )
  }

  /** Stores why nothing is known of a host's instances. */
  async storeUnreportable(hostId: string, report: StoredReport, now: Date): Promise<void> {
    await this.database.execute(
      `UPDATE instance SET report = $2::jsonb, reported_at = clock_timestamp(), due_at = $3
       WHERE host_id = $1 AND command_id IS NOT NULL AND report IS DISTINCT FROM $2::jsonb`,
      [hostId, JSON.stringify(report), now],
    )
  }
}
