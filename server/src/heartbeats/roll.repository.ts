import { Injectable } from '@nestjs/common'
import { isAcquirable, LIVE_SERVERS } from '../platform/leases/lease.ts'
import { Database } from '../platform/prisma/database.ts'
import type { Membership } from './domain/pace.ts'
import { CALLED_STATES, type ClaimedTarget } from './domain/roll.ts'

/** By how much the clocks of servers may differ without consequence. */
const CLOCK_SLACK = "interval '10 seconds'"

type MembershipRow = Omit<Membership, 'shareRatePerS'> & { rateOfAllPerS: number }

interface ClaimedRow extends Omit<ClaimedTarget, 'address'> {
  address: string
  rpcPort: number
  certificatePin: string
}

/** The roll: which agent is called when, and by which server. */
@Injectable()
export class RollRepository {
  constructor(private readonly database: Database) {}

  /** Returns how the agents are shared out among the servers. */
  async membership(server: string): Promise<Membership> {
    const { rateOfAllPerS, ...membership } = await this.database.one<MembershipRow>(
      `SELECT (SELECT count(*)::int FROM (${LIVE_SERVERS}) AS live) AS servers,
         count(*)::int AS total,
         count(*) FILTER (WHERE lease_owner = $1)::int AS owned,
         coalesce(sum(2000.0 / (min_ms + max_ms)) FILTER (WHERE lease_owner = $1), 0)::float8 AS "ratePerS",
         coalesce(sum(2000.0 / (min_ms + max_ms)), 0)::float8 AS "rateOfAllPerS"
       FROM roll`,
      [server],
    )
    return { ...membership, shareRatePerS: rateOfAllPerS / Math.max(1, membership.servers) }
  }

  /** Puts agents on the roll that are not on it yet, at a random time within their interval. */
  async enrol(now: Date): Promise<void> {
    await this.database.execute(
      `INSERT INTO roll (host_id, due_at, min_ms, max_ms, offline_after_ms, updated_at)
       SELECT host.id, $1::timestamptz + random() * profile.max_ms * interval '1 millisecond',
         profile.min_ms, profile.max_ms, profile.offline_after_ms, $1
       FROM agent JOIN host ON host.id = agent.host_id CROSS JOIN LATERAL (${PROFILE_OF_HOST}) AS profile
       WHERE agent.installed_at IS NOT NULL AND NOT EXISTS (SELECT FROM roll WHERE roll.host_id = agent.host_id)
       ON CONFLICT DO NOTHING`,
      [now],
    )
  }

  /** Reschedules agents that are due later than their interval allows: the clock of the server that planned it was set back. */
  async rescheduleAfterClockJump(now: Date): Promise<void> {
    await this.database.execute(
      `UPDATE roll SET due_at = $1::timestamptz + random() * max_ms * interval '1 millisecond'
       WHERE due_at > $1::timestamptz + max_ms * interval '1 millisecond' + ${CLOCK_SLACK}`,
      [now],
    )
  }

  /** Copies the bounds in effect from the profiles to the roll, after either has changed. Of one host, or of all. */
  async applyProfiles(now: Date, hostId: string | null = null): Promise<void> {
    await this.database.execute(
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
   * Acquires agents that are due after `after` and until `until`, the most pressing first, and plans their next call in the
   * same statement. With `takesOver` also those that no live server holds.
   */
  async acquire(
    server: string,
    now: Date,
    { after, until, limit, takesOver }: { after: Date; until: Date; limit: number; takesOver: boolean },
  ): Promise<ClaimedTarget[]> {
    const rows = await this.database.query<ClaimedRow>(
      `WITH due AS (
         SELECT roll.host_id, roll.due_at, roll.lease_owner FROM roll JOIN host ON host.id = roll.host_id
         WHERE roll.due_at > $3 AND roll.due_at <= $4 AND host.state = ANY($6)
           AND ${takesOver ? isAcquirable('roll', '$1') : 'roll.lease_owner = $1'}
         ORDER BY roll.due_at + roll.max_ms * interval '1 millisecond' LIMIT $5
         FOR UPDATE OF roll SKIP LOCKED
       ), acquired AS (
         UPDATE roll SET lease_owner = $1, due_at = greatest(due.due_at, $2::timestamptz)
           + (roll.min_ms + random() * (roll.max_ms - roll.min_ms)) * interval '1 millisecond'
         FROM due WHERE roll.host_id = due.host_id
         RETURNING roll.*, due.due_at AS planned_at, due.lease_owner AS last_owner
       )
       SELECT acquired.host_id AS "hostId", acquired.planned_at AS "plannedAt",
         acquired.last_owner IS DISTINCT FROM $1 AS "isNew", acquired.max_ms AS "maxMs",
         acquired.offline_after_ms AS "offlineAfterMs", acquired.last_answer_at AS "lastAnswerAt",
         acquired.silent_since AS "silentSince", acquired.failed_rounds AS "failedRounds",
         acquired.hot_cpu_since AS "hotCpuSince", acquired.hot_memory_since AS "hotMemorySince",
         acquired.failed_tasks AS "failedTasks", acquired.failed_task_at AS "failedTaskAt",
         host.state, host.state_code AS "stateCode",
         host.address, agent.rpc_port AS "rpcPort", agent.certificate_pin AS "certificatePin"
       FROM acquired JOIN host ON host.id = acquired.host_id JOIN agent ON agent.host_id = acquired.host_id`,
      [server, now, after, until, limit, CALLED_STATES],
    )
    return rows.map(({ address, rpcPort, certificatePin, ...row }) => ({
      ...row,
      address: { host: address, port: rpcPort, certificatePin },
    }))
  }

  /** Releases `count` agents but those in `except`, so that another server acquires them. Returns their hosts. */
  async releaseAgents(server: string, count: number, except: readonly string[]): Promise<string[]> {
    return this.database.ids(
      `UPDATE roll SET lease_owner = NULL WHERE host_id IN (
         SELECT host_id FROM roll WHERE lease_owner = $1 AND NOT host_id = ANY($3::uuid[])
         ORDER BY due_at DESC LIMIT $2 FOR UPDATE SKIP LOCKED
       ) RETURNING host_id AS id`,
      [server, count, except],
    )
  }

  /** Returns the hosts of all agents that `server` holds. */
  async owned(server: string): Promise<Set<string>> {
    const sql = 'SELECT host_id AS id FROM roll WHERE lease_owner = $1'
    return new Set(await this.database.ids(sql, [server]))
  }
}

/** The profile of `host`: its own, or the most frequent one whose labels it has, or the default. */
export const PROFILE_OF_HOST = `
  SELECT * FROM heartbeat_profile
  WHERE name = 'default' OR name = host.heartbeat_profile
    OR (host.heartbeat_profile IS NULL AND labels IS NOT NULL AND host.labels @> labels)
  ORDER BY name = host.heartbeat_profile DESC NULLS LAST, name = 'default', max_ms, name LIMIT 1`

/** Statements that change many rows of the roll lock them in this order, so that no two wait for each other. */
export const IN_LOCK_ORDER = 'ORDER BY roll.host_id FOR NO KEY UPDATE OF roll'
