import { Injectable } from '@nestjs/common'
import type { HostFacts, HostVitals } from '@rollcall/contracts/admin'
import type pg from 'pg'
import { Database } from '../platform/prisma/database.ts'
import { fullestDisk } from './domain/report.ts'
import { CALLED_STATES, type Decision, type RollView } from './domain/roll.ts'
import type { Called } from './roll-caller.ts'

/** How long a server owns its agents without saying that it still lives; it says so three times as often. */
export const SERVER_LEASE_MS = 6000
/** Servers that have been gone for so long are forgotten. */
const FORGET_SERVER = "interval '1 hour'"
/** Rings of samples: seconds in a step, and steps in the ring. */
const RINGS = [
  [300, 288],
  [3600, 168],
] as const
/** By how much the clocks of servers may differ without consequence. */
const CLOCK_SLACK = "interval '10 seconds'"
const OF_A_DEAD_SERVER =
  '(roll.owner IS NULL OR roll.owner NOT IN (SELECT id FROM server_lease WHERE lease_until > now()))'

export interface Claimed extends Called {
  /** When it was to be called. */
  plannedAt: Date
  /** Another server had it before, so what this one remembers of it may be out of date. */
  isNew: boolean
}

export interface Membership {
  /** Servers that live, this one among them. */
  servers: number
  /** Agents on the roll, and how many of them this server owns. */
  total: number
  owned: number
  /** Calls a second that the owned ones need in the steady state, and that a fair share of all would need. */
  ratePerS: number
  shareRatePerS: number
}

/** What a round leaves behind: the decision, and what the host said when it answered. */
export interface Result {
  hostId: string
  /** The state in which the agent was when it was called; the decision holds for no other. */
  from: RollView
  decision: Decision
  report?: {
    vitals: HostVitals
    roundTripMs: number
    clockOffsetMs: number
    /** Only when they differ from what is stored. */
    facts?: HostFacts
  }
}

/** The roll: who is called when, by which server, and what was seen. Written in batches. */
@Injectable()
export class RollRepository {
  constructor(private readonly database: Database) {}

  /** Says that `server` lives, and how the agents are shared out. */
  async renew(server: string): Promise<Membership> {
    await this.database.pool.query(
      `INSERT INTO server_lease (id, lease_until) VALUES ($1, now() + $2 * interval '1 millisecond')
       ON CONFLICT (id) DO UPDATE SET lease_until = excluded.lease_until`,
      [server, SERVER_LEASE_MS],
    )
    const { rows } = await this.database.pool.query(
      `SELECT (SELECT count(*)::int FROM server_lease WHERE lease_until > now()) AS servers,
         count(*)::int AS total,
         count(*) FILTER (WHERE owner = $1)::int AS owned,
         coalesce(sum(2000.0 / (min_ms + max_ms)) FILTER (WHERE owner = $1), 0)::float8 AS "ratePerS",
         coalesce(sum(2000.0 / (min_ms + max_ms)), 0)::float8 AS "rateOfAllPerS"
       FROM roll`,
      [server],
    )
    const { rateOfAllPerS, ...membership } = rows[0]
    return { ...membership, shareRatePerS: rateOfAllPerS / Math.max(1, membership.servers) }
  }

  /** Puts agents on the roll that are not on it yet, at a random time within their interval. */
  async enrol(now: Date): Promise<void> {
    await this.database.pool.query(
      `INSERT INTO roll (host_id, due_at, min_ms, max_ms, offline_after_ms, updated_at)
       SELECT host.id, $1::timestamptz + random() * profile.max_ms * interval '1 millisecond',
         profile.min_ms, profile.max_ms, profile.offline_after_ms, $1
       FROM agent JOIN host ON host.id = agent.host_id CROSS JOIN LATERAL (${PROFILE_OF_HOST}) AS profile
       WHERE agent.installed_at IS NOT NULL AND NOT EXISTS (SELECT FROM roll WHERE roll.host_id = agent.host_id)
       ON CONFLICT DO NOTHING`,
      [now],
    )
  }

  /**
   * Plans anew those whose turn is further away than their interval allows: a clock was set back, ours or that of the
   * server that planned it.
   */
  async callBack(now: Date): Promise<void> {
    await this.database.pool.query(
      `UPDATE roll SET due_at = $1::timestamptz + random() * max_ms * interval '1 millisecond'
       WHERE due_at > $1::timestamptz + max_ms * interval '1 millisecond' + ${CLOCK_SLACK}`,
      [now],
    )
  }

  /** Copies the bounds in effect from the profiles to the roll, after either has changed. Of one host, or of all. */
  async applyProfiles(now: Date, hostId: string | null = null): Promise<void> {
    await this.database.pool.query(
      `WITH changed AS (
         SELECT roll.host_id, profile.min_ms, profile.max_ms, profile.offline_after_ms
         FROM roll JOIN host ON host.id = roll.host_id CROSS JOIN LATERAL (${PROFILE_OF_HOST}) AS profile
         WHERE ($2::uuid IS NULL OR host.id = $2)
           AND (roll.min_ms, roll.max_ms, roll.offline_after_ms)
             IS DISTINCT FROM (profile.min_ms, profile.max_ms, profile.offline_after_ms)
         ${IN_LOCK_ORDER}
       )
       UPDATE roll SET min_ms = changed.min_ms, max_ms = changed.max_ms, offline_after_ms = changed.offline_after_ms,
         due_at = least(roll.due_at, $1::timestamptz + random() * changed.max_ms * interval '1 millisecond'), updated_at = $1
       FROM changed WHERE roll.host_id = changed.host_id`,
      [now, hostId],
    )
  }

  /**
   * Takes agents that are due after `after` and until `until`, the most pressing first, and plans their next call in the
   * same statement. With `takesOver` also those that no living server owns.
   */
  async claim(
    server: string,
    now: Date,
    { after, until, limit, takesOver }: { after: Date; until: Date; limit: number; takesOver: boolean },
  ): Promise<Claimed[]> {
    const { rows } = await this.database.pool.query(
      `WITH due AS (
         SELECT roll.host_id, roll.due_at, roll.owner FROM roll JOIN host ON host.id = roll.host_id
         WHERE roll.due_at > $3 AND roll.due_at <= $4 AND host.state = ANY($6)
           AND (roll.owner = $1 OR ($7 AND ${OF_A_DEAD_SERVER}))
         ORDER BY roll.due_at + roll.max_ms * interval '1 millisecond' LIMIT $5
         FOR UPDATE OF roll SKIP LOCKED
       ), claimed AS (
         UPDATE roll SET owner = $1, due_at = greatest(due.due_at, $2::timestamptz)
           + (roll.min_ms + random() * (roll.max_ms - roll.min_ms)) * interval '1 millisecond'
         FROM due WHERE roll.host_id = due.host_id
         RETURNING roll.*, due.due_at AS planned_at, due.owner AS last_owner
       )
       SELECT claimed.host_id AS "hostId", claimed.planned_at AS "plannedAt",
         claimed.last_owner IS DISTINCT FROM $1 AS "isNew", claimed.max_ms AS "maxMs",
         claimed.offline_after_ms AS "offlineAfterMs", claimed.last_answer_at AS "lastAnswerAt",
         claimed.silent_since AS "silentSince", claimed.failed_rounds AS "failedRounds",
         claimed.hot_cpu_since AS "hotCpuSince", claimed.hot_memory_since AS "hotMemorySince",
         claimed.failed_tasks AS "failedTasks", claimed.failed_task_at AS "failedTaskAt",
         host.state, host.state_code AS "stateCode",
         host.address, agent.rpc_port AS "rpcPort", agent.certificate_pin AS "certificatePin"
       FROM claimed JOIN host ON host.id = claimed.host_id JOIN agent ON agent.host_id = claimed.host_id`,
      [server, now, after, until, limit, CALLED_STATES, takesOver],
    )
    return rows.map(({ address, rpcPort, certificatePin, ...row }) => ({
      ...row,
      address: { host: address, port: rpcPort, certificatePin },
    }))
  }

  /** Lets go of `count` agents that are not being called, so that another server takes them. */
  async letGo(server: string, count: number, inFlight: string[]): Promise<string[]> {
    const { rows } = await this.database.pool.query(
      `UPDATE roll SET owner = NULL WHERE host_id IN (
         SELECT host_id FROM roll WHERE owner = $1 AND NOT host_id = ANY($3::uuid[])
         ORDER BY due_at DESC LIMIT $2 FOR UPDATE SKIP LOCKED
       ) RETURNING host_id AS "hostId"`,
      [server, count, inFlight],
    )
    return rows.map((row) => row.hostId)
  }

  /** Lets go of everything, so that no other server has to wait for the lease to run out. */
  async leave(server: string): Promise<void> {
    await this.database.pool.query(
      `DELETE FROM server_lease WHERE id = $1 OR lease_until < now() - ${FORGET_SERVER}`,
      [server],
    )
  }

  /**
   * Stores what rounds have shown, whole or not at all. An agent that another server owns by now is left as it is, and
   * so is the state of a host that has changed since it was called. Resolves to the hosts whose state is another now.
   */
  async store(server: string, results: readonly Result[], now: Date): Promise<string[]> {
    return this.database.transaction(async (client) => {
      const ours = await lockOurs(client, server, results)
      if (ours.length === 0) return []
      await storeRoll(client, ours, now)
      const changed = await storeStates(client, ours, now)
      await storeFacts(client, ours, now)
      await storeSamples(client, ours)
      return changed
    })
  }

  /** All that `server` owns. */
  async owned(server: string): Promise<Set<string>> {
    const { rows } = await this.database.pool.query('SELECT host_id AS "hostId" FROM roll WHERE owner = $1', [
      server,
    ])
    return new Set(rows.map((row) => row.hostId))
  }
}

/** The profile of `host`: its own, or the most frequent one whose labels it has, or the default. */
export const PROFILE_OF_HOST = `
  SELECT * FROM heartbeat_profile
  WHERE name = 'default' OR name = host.heartbeat_profile
    OR (host.heartbeat_profile IS NULL AND labels IS NOT NULL AND host.labels @> labels)
  ORDER BY name = host.heartbeat_profile DESC NULLS LAST, name = 'default', max_ms, name LIMIT 1`

/** Whoever changes many rows of the roll takes them in this order, so that no two wait for each other. */
const IN_LOCK_ORDER = 'ORDER BY roll.host_id FOR NO KEY UPDATE OF roll'

/** An agent that answers now but had to be installed again a moment ago may fall silent again: its pauses go on growing. */
const IS_WELL_FOR_LONG = "seen.vitals IS NOT NULL AND roll.reinstall_at + interval '1 hour' < $1::timestamptz"

/** The results of agents that are still on the roll and `server`'s own, which they stay until the transaction has ended. */
async function lockOurs(
  client: pg.PoolClient,
  server: string,
  results: readonly Result[],
): Promise<Result[]> {
  const { rows } = await client.query(
    `SELECT host_id AS "hostId" FROM roll WHERE host_id = ANY($2::uuid[]) AND owner = $1 ${IN_LOCK_ORDER}`,
    [server, results.map(({ hostId }) => hostId)],
  )
  const ours = new Set(rows.map((row) => row.hostId))
  return results.filter(({ hostId }) => ours.has(hostId))
}

async function storeRoll(client: pg.PoolClient, results: readonly Result[], now: Date) {
  await client.query(
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

/** Whether a decision is another state than the one before, or the same one for another reason. */
export const isTransition = ({ from, decision }: Pick<Result, 'from' | 'decision'>) =>
  from.state !== decision.state || from.stateCode !== decision.stateCode

async function storeStates(client: pg.PoolClient, results: readonly Result[], now: Date): Promise<string[]> {
  const changes = results.filter(isTransition)
  if (changes.length === 0) return []
  const { rows } = await client.query(
    `UPDATE host SET state = change.state, state_code = change.code, state_reason = change.reason, state_since = $1
     FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[])
       AS change(host_id, from_state, state, code, reason)
     WHERE host.id = change.host_id AND host.state = change.from_state
     RETURNING host.id`,
    [
      now,
      changes.map(({ hostId }) => hostId),
      changes.map(({ from }) => from.state),
      changes.map(({ decision }) => decision.state),
      changes.map(({ decision }) => decision.stateCode),
      changes.map(({ decision }) => decision.stateReason),
    ],
  )
  return rows.map((row) => row.id)
}

async function storeFacts(client: pg.PoolClient, results: readonly Result[], now: Date) {
  const changed = results.filter(({ report }) => report?.facts)
  if (changed.length === 0) return
  await client.query(
    `INSERT INTO host_facts (host_id, facts, changed_at)
     SELECT host_id, facts, $1 FROM unnest($2::uuid[], $3::jsonb[]) AS changed(host_id, facts)
     ON CONFLICT (host_id) DO UPDATE SET facts = excluded.facts, changed_at = excluded.changed_at
       WHERE host_facts.facts <> excluded.facts`,
    [now, changed.map(({ hostId }) => hostId), changed.map(({ report }) => JSON.stringify(report?.facts))],
  )
}

/** Adds to the current step of each ring. A slot that still holds the step of the turn before begins anew. */
async function storeSamples(client: pg.PoolClient, results: readonly Result[]) {
  const answered = results.filter(({ report }) => report && report.vitals.cpuPercent !== null)
  if (answered.length === 0) return
  await client.query(
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
