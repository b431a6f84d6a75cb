import { Injectable } from '@nestjs/common'
import type { ImageSpareState } from '@rollcall/contracts/admin'
import { isAcquirable } from '../platform/leases/lease.ts'
import { Database } from '../platform/prisma/database.ts'
import type { Sql } from '../platform/prisma/transaction.ts'
import type { SpareHost } from './domain/plan/plan-spares.ts'
import type { DueSpare, SpareOutcome } from './domain/spare.ts'

/** A change goes first: its spare copies wait until its instances have what they need, and this long at most. */
const SETTLES_WITHIN = "interval '2 minutes'"

/** An instance does not run yet what was applied last. */
const IS_ON_ITS_WAY = `instance.wanted = 'running' AND instance.state <> 'unplaced'
  AND running_revision_id IS DISTINCT FROM service.revision_id`

/** Keeps which hosts have the images of services without an instance of them. */
@Injectable()
export class SparesRepository {
  constructor(private readonly database: Database) {}

  /** Lists the spare hosts of a project's services, by the name of the service. */
  ofProject(project: string, sql: Sql = this.database): Promise<{ service: string; hostId: string }[]> {
    return sql.query(
      `SELECT name AS service, host_id AS "hostId" FROM service_spare JOIN service ON service.id = service_id
       WHERE project = $1 ORDER BY name, position`,
      [project],
    )
  }

  /** Writes down which hosts keep the images of a revision, in place of those that did. What is there already is not brought again. */
  async replace(
    sql: Sql,
    serviceId: string,
    revisionId: string,
    hosts: readonly SpareHost[],
    at: Date,
  ): Promise<void> {
    const ids = hosts.map(({ id }) => id)
    await sql.execute('DELETE FROM service_spare WHERE service_id = $1 AND host_id <> ALL($2::uuid[])', [
      serviceId,
      ids,
    ])
    await sql.execute(
      `INSERT INTO service_spare AS spare (service_id, host_id, position, revision_id, state, due_at)
       SELECT $1, host_id, position, $3, 'waiting', $4 FROM unnest($2::uuid[]) WITH ORDINALITY AS chosen(host_id, position)
       ON CONFLICT (service_id, host_id) DO UPDATE SET position = excluded.position, revision_id = excluded.revision_id,
         state = CASE WHEN spare.revision_id = excluded.revision_id AND spare.state = 'there' THEN 'there' ELSE 'waiting' END,
         reason = NULL, failures = 0, due_at = excluded.due_at`,
      [serviceId, ids, revisionId, at],
    )
  }

  /** Acquires deliveries that are due, to hosts that are online: of services that have settled, or were given the time to. */
  acquire(serverId: string, underWay: readonly string[], limit: number, now: Date): Promise<DueSpare[]> {
    return this.database.query(
      `WITH due AS (
         SELECT spare.service_id, spare.host_id FROM service_spare AS spare
           JOIN service ON service.id = spare.service_id JOIN host ON host.id = spare.host_id
         WHERE spare.state <> 'there' AND spare.due_at <= $4 AND service.wanted <> 'gone' AND host.state = 'online'
           AND (NOT EXISTS (SELECT 1 FROM instance WHERE service_id = service.id AND ${IS_ON_ITS_WAY})
             OR service.updated_at <= $4 - ${SETTLES_WITHIN})
           AND ${isAcquirable('spare', '$1')} AND spare.service_id || '/' || spare.host_id <> ALL($2::text[])
         ORDER BY spare.due_at, spare.position LIMIT $3 FOR UPDATE OF spare SKIP LOCKED)
       UPDATE service_spare AS spare SET lease_owner = $1 FROM due
       WHERE spare.service_id = due.service_id AND spare.host_id = due.host_id
       RETURNING spare.service_id AS "serviceId", spare.host_id AS "hostId", spare.revision_id AS "revisionId", spare.failures`,
      [serverId, underWay, limit, now],
    )
  }

  /** Ends a delivery. One of a revision that was replaced meanwhile says nothing of the new one. */
  async finish(
    { serviceId, hostId, revisionId }: DueSpare,
    { state, reason, failures, dueAt }: SpareOutcome,
    serverId: string,
  ): Promise<void> {
    await this.database.execute(
      `UPDATE service_spare SET lease_owner = NULL, state = CASE WHEN revision_id = $3 THEN $5 ELSE state END,
         reason = CASE WHEN revision_id = $3 THEN $6 ELSE reason END,
         failures = CASE WHEN revision_id = $3 THEN $7::int ELSE failures END,
         due_at = CASE WHEN revision_id = $3 THEN $8::timestamptz ELSE due_at END
       WHERE service_id = $1 AND host_id = $2 AND lease_owner = $4`,
      [serviceId, hostId, revisionId, serverId, state, reason, failures, dueAt],
    )
  }

  /** Lists which digests spare hosts keep, of indexes and manifests. */
  digests(): Promise<{ digest: string; service: string; host: string; state: ImageSpareState }[]> {
    return this.database.query(
      `SELECT DISTINCT digests.digest, project || '/' || service.name AS service, host.name AS host, spare.state
       FROM service_spare AS spare JOIN service ON service.id = spare.service_id JOIN host ON host.id = spare.host_id
         JOIN service_revision AS revision ON revision.id = spare.revision_id,
         jsonb_array_elements(revision.images) AS image,
         LATERAL (SELECT image->>'digest' AS digest UNION SELECT jsonb_array_elements(image->'variants')->>'digest') AS digests
       WHERE digests.digest IS NOT NULL ORDER BY 2, 3`,
    )
  }
}
