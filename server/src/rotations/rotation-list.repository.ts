import { Injectable } from '@nestjs/common'
import { sanitizeText } from '@rollcall/contracts'
import type { RotationHost } from '@rollcall/contracts/admin'
import { Database } from '../platform/prisma/database.ts'

/** Reads credentials and their rotation as they are shown, without secrets. */
@Injectable()
export class RotationListRepository {
  constructor(private readonly database: Database) {}

  /** Returns the credentials of these hosts by name, or of every host with an agent where `hostIds` is null. */
  async of(
    hostIds: readonly string[] | null,
  ): Promise<{ labels: Record<string, string>; view: RotationHost }[]> {
    const { rows } = await this.database.pool.query(
      `SELECT host.id AS "hostId", host.name, host.labels, agent.credentials_at AS "credentialsAt",
         agent.rotated_at AS "rotatedAt", rotation.id, phase, requested_by AS "requestedBy",
         started_at AS "startedAt", failures, reason_code AS "reasonCode", rotation.reason
       FROM host JOIN agent ON agent.host_id = host.id LEFT JOIN rotation ON rotation.host_id = host.id
       WHERE agent.installed_at IS NOT NULL AND ($1::uuid[] IS NULL OR host.id = ANY($1)) ORDER BY host.name`,
      [hostIds],
    )
    return rows.map((row) => ({
      labels: row.labels,
      view: {
        host: { id: row.hostId, name: row.name },
        credentialsAt: row.credentialsAt.toISOString(),
        rotatedAt: row.rotatedAt?.toISOString() ?? null,
        rotation: row.id && {
          id: row.id,
          phase: row.phase,
          requestedBy: row.requestedBy,
          failures: row.failures,
          startedAt: row.startedAt.toISOString(),
          reasonCode: row.reasonCode,
          reason: row.reason && sanitizeText(row.reason, 2000),
        },
      },
    }))
  }
}
