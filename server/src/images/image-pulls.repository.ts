import { Injectable } from '@nestjs/common'
import { LIVE_SERVERS } from '../platform/leases/lease.ts'
import { Database } from '../platform/prisma/database.ts'
import type { ImagePull, PullEnd } from './domain/image-pull.ts'

const MAX_LISTED = 100
const COLUMNS = `id, ref, state, bytes::float8 AS bytes, total_bytes::float8 AS "totalBytes", image_id AS "imageId",
  reason_code AS "reasonCode", reason, requested_by AS "requestedBy", created_at AS "createdAt", ended_at AS "endedAt"`

@Injectable()
export class ImagePullsRepository {
  constructor(private readonly database: Database) {}

  /** Stores a new pull by this server. Returns false where there is one with its id. */
  async insert(
    { id, ref, requestedBy, createdAt }: Pick<ImagePull, 'id' | 'ref' | 'requestedBy' | 'createdAt'>,
    serverId: string,
  ): Promise<boolean> {
    const inserted = await this.database.execute(
      `INSERT INTO image_pull (id, ref, state, requested_by, created_at, lease_owner) VALUES ($1, $2, 'running', $3, $4, $5)
       ON CONFLICT DO NOTHING`,
      [id, ref, requestedBy, createdAt, serverId],
    )
    return inserted === 1
  }

  find(id: string): Promise<ImagePull | null> {
    return this.database.first(`SELECT ${COLUMNS} FROM image_pull WHERE id = $1`, [id])
  }

  /** Lists pulls, the newest first. */
  list(): Promise<ImagePull[]> {
    return this.database.query(
      `SELECT ${COLUMNS} FROM image_pull ORDER BY created_at DESC, id LIMIT ${MAX_LISTED}`,
    )
  }

  /** Writes down how far a pull is. Returns false if it has ended. */
  async recordProgress(id: string, bytes: number, totalBytes: number | null): Promise<boolean> {
    const changed = await this.database.execute(
      `UPDATE image_pull SET bytes = $2, total_bytes = $3 WHERE id = $1 AND state = 'running'`,
      [id, bytes, totalBytes],
    )
    return changed === 1
  }

  /** Ends a pull, unless it has ended. */
  async finish(id: string, end: PullEnd, now: Date): Promise<void> {
    const { imageId, reasonCode, reason } = { imageId: null, reasonCode: null, reason: null, ...end }
    await this.database.execute(
      `UPDATE image_pull SET state = $2, image_id = $3, reason_code = $4, reason = $5, ended_at = $6,
         bytes = CASE WHEN $2 = 'success' THEN coalesce(total_bytes, bytes) ELSE bytes END
       WHERE id = $1 AND state = 'running'`,
      [id, end.state, imageId, reasonCode, reason, now],
    )
  }

  /** Cancels a pull that has not ended. */
  async cancel(id: string, now: Date): Promise<void> {
    await this.database.execute(
      `UPDATE image_pull SET state = 'cancelled', ended_at = $2 WHERE id = $1 AND state = 'running'`,
      [id, now],
    )
  }

  /**
   * Fails the pulls that no server works on: those of servers that are gone, and of this one all but `underWay` and what began since `now`,
   * which may be stored before this statement runs. Returns how many.
   */
  failLost(serverId: string, underWay: readonly string[], reason: string, now: Date): Promise<number> {
    return this.database.execute(
      `UPDATE image_pull SET state = 'failed', reason_code = 'image.pull_stopped', reason = $3, ended_at = $4
       WHERE state = 'running' AND CASE WHEN lease_owner = $1 THEN created_at < $4 AND id <> ALL($2::uuid[])
         ELSE lease_owner NOT IN (${LIVE_SERVERS}) END`,
      [serverId, underWay, reason, now],
    )
  }

  /** Forgets pulls that ended before `before`. */
  async forget(before: Date): Promise<void> {
    await this.database.execute('DELETE FROM image_pull WHERE ended_at < $1', [before])
  }
}
