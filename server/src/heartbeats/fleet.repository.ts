import { Injectable } from '@nestjs/common'
import {
  type AgentQuery,
  type AgentSort,
  type AgentView,
  areValuesStale,
  type HostEvent,
  type HostSample,
  type HostState,
  type HostVitals,
  parseSelector,
} from '@rollcall/contracts/admin'
import { type HostScope, scopeParameter, WHOLE_FLEET } from '../access/index.ts'
import { Database } from '../platform/prisma/database.ts'
import { fullestDisk } from './domain/report.ts'
import type { HostReport } from './domain/roll.ts'
import { PROFILE_OF_HOST } from './roll.repository.ts'

interface AgentRow {
  hostId: string
  host: string
  address: string
  labels: Record<string, string>
  state: HostState
  stateCode: string | null
  stateReason: string | null
  stateSince: Date
  version: string | null
  lastAnswerAt: Date | null
  roundTripMs: number | null
  clockOffsetMs: number | null
  nextCallAt: Date | null
  vitals: HostVitals | null
}

interface SampleRow {
  hostId: string
  bucket: Date
  count: number
  cpu_sum: number
  cpu_max: number
  memory_sum: number
  memory_max: number
  load_sum: number
  disk_max: number
}

const AGENT_ROW = `
  SELECT host.id AS "hostId", host.name AS host, host.address, host.labels, host.state, host.state_code AS "stateCode",
    host.state_reason AS "stateReason", host.state_since AS "stateSince", agent.version,
    roll.last_answer_at AS "lastAnswerAt", roll.round_trip_ms AS "roundTripMs", roll.clock_offset_ms AS "clockOffsetMs",
    roll.due_at AS "nextCallAt", roll.vitals
  FROM host LEFT JOIN agent ON agent.host_id = host.id LEFT JOIN roll ON roll.host_id = host.id`

type EventRow = Omit<HostEvent, 'at'> & { at: Date }

/** The fullest disk's used share, as the view has it. */
const DISK = `(SELECT max(1 - (disk->>'availableBytes')::float8 / nullif((disk->>'totalBytes')::float8, 0))
  FROM jsonb_array_elements(roll.vitals->'disks') AS disk)`

/** Columns to sort by; the name decides between equals. */
const SORT: Record<AgentSort, string> = {
  host: 'host.name',
  state: 'host.state',
  stateSince: 'host.state_since',
  address: 'host.address',
  version: 'agent.version',
  cpu: "(roll.vitals->>'cpuPercent')::float8",
  memory: "(roll.vitals->>'memoryPercent')::float8",
  disk: DISK,
  lastAnswer: 'roll.last_answer_at',
}

/**
 * Scope, labels, and the search text between wildcards; each null for any. Each is asked for null here too: PostgreSQL then calls
 * no function for each of ten thousand hosts, which took ten times as long as all the rest.
 */
const FITS = `($1::jsonb IS NULL OR host_fits(host.labels, $1::jsonb))
  AND ($2::jsonb IS NULL OR host_fits(host.labels, $2::jsonb)) AND ($3::text IS NULL
  OR host.name ILIKE $3 OR host.address ILIKE $3 OR agent.version ILIKE $3 OR host.labels::text ILIKE $3)`

const fitting = (scope: HostScope, { labels, search }: AgentFilter) => [
  scopeParameter(scope),
  labels === undefined ? null : JSON.stringify(parseSelector(labels)),
  search === undefined ? null : `%${search.replace(/[\\%_]/g, '\\$&')}%`,
]

type AgentFilter = Partial<Pick<AgentQuery, 'labels' | 'search'>>

/** Reads the fleet as the roll has seen it. */
@Injectable()
export class FleetRepository {
  constructor(private readonly database: Database) {}

  /** By name, after `after`. */
  agents(after: string | undefined, limit: number): Promise<AgentView[]> {
    const condition = '($1::text IS NULL OR host.name > $1) ORDER BY host.name LIMIT $2'
    return this.select(condition, [after ?? null, limit])
  }

  ofHosts(hostIds: readonly string[]): Promise<AgentView[]> {
    return this.select('host.id = ANY ($1::uuid[])', [hostIds])
  }

  /** Returns the agents that have changed since `since`. */
  changedSince(since: Date): Promise<AgentView[]> {
    return this.select('roll.updated_at >= $1 OR host.state_since >= $1', [since])
  }

  /** A window of those that fit, in the order asked for. */
  list(scope: HostScope, query: AgentQuery): Promise<AgentView[]> {
    const { direction, sort, limit, offset, after } = query
    const states = query.states ?? (query.state ? [query.state] : null)
    return this.select(
      `${FITS} AND ($4::text[] IS NULL OR host.state = ANY ($4)) AND ($5::text IS NULL OR host.name > $5)
       ORDER BY ${SORT[sort]} ${direction === 'desc' ? 'DESC' : 'ASC'} NULLS LAST, host.name LIMIT $6 OFFSET $7`,
      [...fitting(scope, query), states, after ?? null, limit, offset],
    )
  }

  private async select(condition: string, values: readonly unknown[]): Promise<AgentView[]> {
    return (await this.database.query<AgentRow>(`${AGENT_ROW} WHERE ${condition}`, values)).map(toView)
  }

  async countByState(
    scope: HostScope = WHOLE_FLEET,
    filter: AgentFilter = {},
  ): Promise<Partial<Record<HostState, number>>> {
    const rows = await this.database.query<{ state: HostState; count: number }>(
      `SELECT state, count(*)::int AS count FROM host LEFT JOIN agent ON agent.host_id = host.id
       WHERE ${FITS} GROUP BY state`,
      fitting(scope, filter),
    )
    return Object.fromEntries(rows.map(({ state, count }) => [state, count]))
  }

  /** Means of the steps since `since`, of those hosts that are in scope. */
  async recentSamples(
    scope: HostScope,
    hostIds: readonly string[],
    resolutionS: number,
    since: Date,
  ): Promise<{ hostId: string; at: Date; cpu: number; memory: number }[]> {
    const rows = await this.database.query<SampleRow>(
      `SELECT host_id AS "hostId", bucket, cpu_sum, memory_sum, count
       FROM host_sample JOIN host ON host.id = host_id
       WHERE host_id = ANY ($1::uuid[]) AND resolution_s = $2 AND bucket >= $3 AND host_fits(host.labels, $4::jsonb)`,
      [hostIds, resolutionS, since, scopeParameter(scope)],
    )
    return rows.map((row) => ({
      hostId: row.hostId,
      at: row.bucket,
      cpu: mean(row.cpu_sum, row.count),
      memory: mean(row.memory_sum, row.count),
    }))
  }

  async report(hostId: string): Promise<HostReport> {
    const report = await this.database.first<HostReport>(
      `SELECT roll.last_answer_at AS "lastAnswerAt", roll.round_trip_ms AS "roundTripMs",
         roll.clock_offset_ms AS "clockOffsetMs", roll.due_at AS "dueAt", roll.vitals,
         host_facts.facts, host_facts.changed_at AS "factsChangedAt",
         json_build_object('name', profile.name, 'minMs', profile.min_ms, 'maxMs', profile.max_ms,
           'offlineAfterMs', profile.offline_after_ms) AS profile
       FROM host CROSS JOIN LATERAL (${PROFILE_OF_HOST}) AS profile
         LEFT JOIN roll ON roll.host_id = host.id LEFT JOIN host_facts ON host_facts.host_id = host.id
       WHERE host.id = $1`,
      [hostId],
    )
    const nothing = { lastAnswerAt: null, roundTripMs: null, clockOffsetMs: null, dueAt: null }
    return report ?? { ...nothing, profile: null, vitals: null, facts: null, factsChangedAt: null }
  }

  /** Newest first. */
  async events(hostId: string, limit: number, before: number | undefined): Promise<HostEvent[]> {
    const rows = await this.database.query<EventRow>(
      `SELECT id::float8, at, from_state AS "from", to_state AS "to", code, reason FROM host_event
       WHERE host_id = $1 AND ($3::int8 IS NULL OR id < $3) ORDER BY host_event.id DESC LIMIT $2`,
      [hostId, limit, before ?? null],
    )
    return rows.map((row) => ({ ...row, at: row.at.toISOString() }))
  }

  /** Oldest first, of the turn of the ring that ends now. */
  async samples(hostId: string, resolutionS: number, since: Date): Promise<HostSample[]> {
    const rows = await this.database.query<SampleRow>(
      `SELECT bucket, count, cpu_sum, cpu_max, memory_sum, memory_max, load_sum, disk_max FROM host_sample
       WHERE host_id = $1 AND resolution_s = $2 AND bucket > $3 ORDER BY bucket`,
      [hostId, resolutionS, since],
    )
    return rows.map((row) => ({
      at: row.bucket.toISOString(),
      count: row.count,
      cpuPercent: mean(row.cpu_sum, row.count),
      cpuPeakPercent: row.cpu_max,
      memoryPercent: mean(row.memory_sum, row.count),
      memoryPeakPercent: row.memory_max,
      load: mean(row.load_sum, row.count),
      diskPeakPercent: row.disk_max,
    }))
  }

  /** Removes events that are older than `before`, and of each host all but the newest `perHost`. */
  async removeEvents(before: Date, perHost: number): Promise<void> {
    await this.database.execute('DELETE FROM host_event WHERE at < $1', [before])
    await this.database.execute(
      `DELETE FROM host_event USING (
         SELECT host_id, (array_agg(id ORDER BY id DESC))[$1 + 1] AS last FROM host_event
         GROUP BY host_id HAVING count(*) > $1
       ) AS full_host
       WHERE host_event.host_id = full_host.host_id AND host_event.id <= full_host.last`,
      [perHost],
    )
  }
}

const mean = (sum: number, count: number) => Math.round((sum / count) * 100) / 100

function toView({ vitals, ...row }: AgentRow): AgentView {
  return {
    ...row,
    stateSince: row.stateSince.toISOString(),
    lastAnswerAt: row.lastAnswerAt?.toISOString() ?? null,
    nextCallAt: row.nextCallAt?.toISOString() ?? null,
    areValuesStale: areValuesStale(row.state),
    cpuPercent: vitals?.cpuPercent ?? null,
    memoryPercent: vitals?.memoryPercent ?? null,
    diskPercent: vitals && fullestDisk(vitals),
    load: vitals?.load[0] ?? null,
    uptimeS: vitals?.uptimeS ?? null,
    runningCommands: vitals?.runningCommands ?? null,
  }
}
