import { Injectable } from '@nestjs/common'
import { type HostScope, scopeParameter } from '../access/index.ts'
import { Database } from '../platform/prisma/database.ts'
import type { Sql } from '../platform/prisma/transaction.ts'
import type { HostCapacity } from './domain/host-capacity.ts'

/** The finest samples, and how far back the buckets of the last three minutes begin. */
const RESOLUTION_S = 300
const MEAN_MS = 180_000 + RESOLUTION_S * 1000
const SILENCE_MS = 86_400_000
const MAX_SILENCES = 4

type Row = Omit<HostCapacity, 'silences' | 'disks' | 'containerEngines'> & {
  disks: HostCapacity['disks'] | null
  containerEngines: HostCapacity['containerEngines'] | null
  silences: string[] | null
}

/** Reads what hosts have room for. */
@Injectable()
export class CapacitiesRepository {
  constructor(private readonly database: Database) {}

  /** Lists the hosts of a scope, by id. */
  async list(scope: HostScope, now: Date, sql: Sql = this.database): Promise<HostCapacity[]> {
    const rows = await sql.query<Row>(
      `WITH mean AS (
         SELECT host_id, sum(cpu_sum) / nullif(sum(count), 0) AS cpu, sum(memory_sum) / nullif(sum(count), 0) AS memory
         FROM host_sample WHERE resolution_s = $2 AND bucket >= $3 GROUP BY host_id
       ), silence AS (
         SELECT host_id, (array_agg(at ORDER BY id DESC))[1:$5] AS at FROM host_event
         WHERE to_state = 'offline' AND from_state IS DISTINCT FROM 'offline' AND at >= $4 GROUP BY host_id
       )
       SELECT host.id, host.name, host.state, host.state_code AS "stateCode", host.labels,
         facts->>'architecture' AS architecture, (facts->>'cores')::float8 AS cores, vitals->'memory' AS memory, vitals->'disks' AS disks,
         facts->'openPorts' AS "openPorts", facts->'containerEngines' AS "containerEngines",
         coalesce(mean.cpu, (vitals->>'cpuPercent')::float8) AS "cpuPercent",
         coalesce(mean.memory, (vitals->>'memoryPercent')::float8) AS "memoryPercent", to_json(silence.at) AS silences
       FROM host LEFT JOIN roll ON roll.host_id = host.id LEFT JOIN host_facts ON host_facts.host_id = host.id
         LEFT JOIN mean ON mean.host_id = host.id LEFT JOIN silence ON silence.host_id = host.id
       WHERE $1::jsonb IS NULL OR host_fits(host.labels, $1::jsonb) ORDER BY host.id`,
      [
        scopeParameter(scope),
        RESOLUTION_S,
        new Date(now.getTime() - MEAN_MS),
        new Date(now.getTime() - SILENCE_MS),
        MAX_SILENCES,
      ],
    )
    return rows.map(({ disks, containerEngines, silences, ...row }) => ({
      ...row,
      disks: disks ?? [],
      containerEngines: containerEngines ?? [],
      silences: (silences ?? []).map((at) => new Date(at)),
    }))
  }
}
