import { Injectable } from '@nestjs/common'
import { type HostScope, scopeParameter } from '../access/index.ts'
import { Database } from '../platform/prisma/database.ts'
import type { PlacementRecord, ServiceEvent } from './domain/event.ts'

interface EventQuery {
  slot: number | null
  limit: number
  /** Only events before the one with this id. */
  before: string | null
}

type EventRow = Omit<ServiceEvent, 'instance'> & {
  instanceId: string | null
  slot: number | null
  generation: number | null
  hostName: string | null
}

/** Reads what happened to services, and why their slots are where they are. */
@Injectable()
export class HistoryRepository {
  constructor(private readonly database: Database) {}

  /** Lists events of a service, newest first: of the service itself, and of instances on hosts within a scope. */
  async events(
    serviceId: string,
    scope: HostScope,
    { slot, limit, before }: EventQuery,
  ): Promise<ServiceEvent[]> {
    const rows = await this.database.query<EventRow>(
      `SELECT event.id::text AS id, at, kind, from_state AS "from", to_state AS "to", code, event.reason AS text, by,
         instance_id AS "instanceId", slot, generation, coalesce(host.name, host_name) AS "hostName"
       FROM instance_event AS event LEFT JOIN host ON host.id = host_id
       WHERE service_id = $1 AND ($2::int IS NULL OR slot = $2) AND ($3::int8 IS NULL OR event.id < $3)
         AND ($4::jsonb IS NULL OR host_id IS NULL OR coalesce(host_fits(host.labels, $4::jsonb), false))
       ORDER BY event.id DESC LIMIT $5`,
      [serviceId, slot, before, scopeParameter(scope), limit],
    )
    return rows.map(({ instanceId, slot, generation, hostName, ...event }) => ({
      ...event,
      instance:
        instanceId === null
          ? null
          : { id: instanceId, slot: slot ?? 1, generation: generation ?? 1, host: hostName },
    }))
  }

  /** Lists the decisions about a slot, newest first. */
  async placements(serviceId: string, slot: number): Promise<PlacementRecord[]> {
    return this.database.query(
      `SELECT slot, generation, at, host_id AS "hostId", coalesce(host.name, host_name) AS "hostName", score,
         is_kept AS "isKept", explanation
       FROM placement LEFT JOIN host ON host.id = host_id WHERE service_id = $1 AND slot = $2 ORDER BY placement.id DESC`,
      [serviceId, slot],
    )
  }

  /** Returns which of these hosts are within a scope, by name. */
  async visibleHosts(names: readonly string[], scope: HostScope): Promise<Set<string>> {
    if (scope === null) return new Set(names)
    const rows = await this.database.query<{ name: string }>(
      'SELECT name FROM host WHERE name = ANY($1) AND host_fits(labels, $2::jsonb)',
      [names, scopeParameter(scope)],
    )
    return new Set(rows.map(({ name }) => name))
  }
}
