import { Injectable } from '@nestjs/common'
import { type HostStateChange, HostsRepository } from '../hosts/index.ts'
import { Database } from '../platform/prisma/database.ts'
import type { Sql } from '../platform/prisma/transaction.ts'
import { fullestDisk } from './domain/report.ts'
import { type HeartbeatResult, isTransition } from './domain/roll.ts'
import { IN_LOCK_ORDER } from './roll.repository.ts'

/** Rings of samples: seconds in a step, and steps in the ring. */
const RINGS = [
  [300, 288],
  [3600, 168],
] as const

/** Stores the results of heartbeats, in batches. */
@Injectable()
export class HeartbeatResultsRepository {
  constructor(
    private readonly database: Database,
    private readonly hosts: HostsRepository,
  ) {}

  /**
   * Stores results, whole or not at all. Leaves out agents that another server holds by now, and the state of a host that has changed
   * since it was called. Returns the hosts whose state is another now.
   */
  async store(server: string, results: readonly HeartbeatResult[], now: Date): Promise<string[]> {
    return this.database.transaction(async (client) => {
      const ours = await lockOurs(client, server, results)
      if (ours.length === 0) return []
      await storeRoll(client, ours, now)
      const changes = ours.filter(isTransition).map(toStateChange)
      const changed = changes.length > 0 ? await this.hosts.changeStates(client, changes, now) : []
      await storeFacts(client, ours, now)
      await storeSamples(client, ours)
      return changed
    })
  }
}

const toStateChange = ({ hostId, from, decision }: HeartbeatResult): HostStateChange => {
  const { state, stateCode: code, stateReason: reason } = decision
  return { hostId, from: from.state, state, code, reason }
}

/** An agent that answers now but had to be installed again a moment ago may fall silent again: its pauses go on growing. */
const IS_WELL_FOR_LONG = "seen.vitals IS NOT NULL AND roll.reinstall_at + interval '1 hour' < $1::timestamptz"

/** Returns the results of agents that `server` still holds, and keeps them its own until the transaction has ended. */
async function lockOurs(
  client: Sql,
  server: string,
  results: readonly HeartbeatResult[],
): Promise<HeartbeatResult[]> {
  const ids = await client.ids(
    `SELECT host_id AS id FROM roll WHERE host_id = ANY($2::uuid[]) AND lease_owner = $1 ${IN_LOCK_ORDER}`,
    [server, results.map(({ hostId }) => hostId)],
  )
  const ours = new Set(ids)
  return results.filter(({ hostId }) => ours.has(hostId))
}

async function storeRoll(client: Sql, results: readonly HeartbeatResult[], now: Date) {
  await client.execute(
    `UPDATE roll SET last_answer_at = seen.last_answer_at, silent_since = seen.silent_since,
       failed_rounds = seen.failed_rounds, hot_cpu_since = seen.hot_cpu_since, hot_memory_since = seen.hot_memory_since,
       round_trip_ms = coalesce(seen.round_trip_ms, roll.round_trip_ms),
       clock_offset_ms = coalesce(seen.clock_offset_ms, roll.clock_offset_ms),
       vitals = coalesce(seen.vitals, roll.vitals),
       reinstalls = CASE WHEN ${IS_WELL_FOR_LONG} THEN 0 ELSE roll.reinstalls END,
       reinstall_at = CASE WHEN ${IS_WELL_FOR_LONG} THEN NULL ELSE roll.reinstall_at END,
       updated_at = $1
     FROM unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::int[], $6::timestamptz[], $7::timestamptz[],
       $8::real[], $9::float8[], $10::jsonb[])
       AS seen(host_id, last_answer_at, silent_since, failed_rounds, hot_cpu_since, hot_memory_since,
         round_trip_ms, clock_offset_ms, vitals)
     WHERE roll.host_id = seen.host_id`,
    [
      now,
      results.map(({ hostId }) => hostId),
      results.map(({ decision }) => decision.lastAnswerAt),
      results.map(({ decision }) => decision.silentSince),
      results.map(({ decision }) => decision.failedRounds),
      results.map(({ decision }) => decision.hotCpuSince),
      results.map(({ decision }) => decision.hotMemorySince),
      results.map(({ report }) => report?.roundTripMs ?? null),
      results.map(({ report }) => report?.clockOffsetMs ?? null),
      results.map(({ report }) => (report ? JSON.stringify(report.vitals) : null)),
    ],
  )
}

async function storeFacts(client: Sql, results: readonly HeartbeatResult[], now: Date) {
  const changed = results.filter(({ report }) => report?.facts)
  if (changed.length === 0) return
  await client.execute(
    `INSERT INTO host_facts (host_id, facts, changed_at)
     SELECT host_id, facts, $1 FROM unnest($2::uuid[], $3::jsonb[]) AS changed(host_id, facts)
     ON CONFLICT (host_id) DO UPDATE SET facts = excluded.facts, changed_at = excluded.changed_at
       WHERE host_facts.facts <> excluded.facts`,
    [now, changed.map(({ hostId }) => hostId), changed.map(({ report }) => JSON.stringify(report?.facts))],
  )
}

/** Adds to the current step of each ring. A slot that still holds the step of the previous turn is overwritten. */
async function storeSamples(client: Sql, results: readonly HeartbeatResult[]) {
  const answered = results.filter(({ report }) => report && report.vitals.cpuPercent !== null)
  if (answered.length === 0) return
  await client.execute(
    `INSERT INTO host_sample AS old (host_id, resolution_s, slot, bucket, count,
       cpu_sum, cpu_max, memory_sum, memory_max, load_sum, disk_max)
     SELECT seen.host_id, ring.resolution, (seen.epoch / ring.resolution) % ring.slots,
       to_timestamp((seen.epoch / ring.resolution) * ring.resolution), 1,
       seen.cpu, seen.cpu, seen.memory, seen.memory, seen.load, seen.disk
     FROM unnest($1::uuid[], $2::int[], $3::real[], $4::real[], $5::real[], $6::real[])
         AS seen(host_id, epoch, cpu, memory, load, disk)
       CROSS JOIN (VALUES ${RINGS.map(([resolution, slots]) => `(${resolution}, ${slots})`).join(', ')}) AS ring(resolution, slots)
     ORDER BY seen.host_id, ring.resolution
     ON CONFLICT (host_id, resolution_s, slot) DO UPDATE SET
       bucket = excluded.bucket,
       count = CASE WHEN old.bucket = excluded.bucket THEN old.count ELSE 0 END + 1,
       cpu_sum = CASE WHEN old.bucket = excluded.bucket THEN old.cpu_sum ELSE 0 END + excluded.cpu_sum,
       cpu_max = CASE WHEN old.bucket = excluded.bucket THEN greatest(old.cpu_max, excluded.cpu_max) ELSE excluded.cpu_max END,
       memory_sum = CASE WHEN old.bucket = excluded.bucket THEN old.memory_sum ELSE 0 END + excluded.memory_sum,
       memory_max = CASE WHEN old.bucket = excluded.bucket THEN greatest(old.memory_max, excluded.memory_max) ELSE excluded.memory_max END,
       load_sum = CASE WHEN old.bucket = excluded.bucket THEN old.load_sum ELSE 0 END + excluded.load_sum,
       disk_max = CASE WHEN old.bucket = excluded.bucket THEN greatest(old.disk_max, excluded.disk_max) ELSE excluded.disk_max END`,
    [
      answered.map(({ hostId }) => hostId),
      answered.map(({ decision }) => Math.floor((decision.lastAnswerAt?.getTime() ?? 0) / 1000)),
      answered.map(({ report }) => report?.vitals.cpuPercent),
      answered.map(({ report }) => report?.vitals.memoryPercent),
      answered.map(({ report }) => report?.vitals.load[0]),
      answered.map(({ report }) => report && fullestDisk(report.vitals)),
    ],
  )
}
