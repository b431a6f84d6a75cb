import { Injectable } from '@nestjs/common'
import { Database } from '../platform/prisma/database.ts'
import type { FoundSession, NewSession, StoredSession } from './domain/session.ts'

/** Stores sessions by the hash of their cookie; the cookie itself is never stored. */
@Injectable()
export class SessionsRepository {
  constructor(private readonly database: Database) {}

  /** Inserts a session and removes the user's expired ones, and all others but the `kept` most recently used. */
  async add(session: NewSession, { idleSince, kept }: { idleSince: Date; kept: number }): Promise<void> {
    const { id, userId, tokenHash, isPending, address, userAgent, createdAt, expiresAt } = session
    await this.database.transaction(async (client) => {
      await client.execute(
        `DELETE FROM user_session WHERE user_id = $1 AND (expires_at < $2 OR last_seen_at < $3 OR id IN (
           SELECT id FROM user_session WHERE user_id = $1 ORDER BY last_seen_at DESC OFFSET $4))`,
        [userId, createdAt, idleSince, kept],
      )
      await client.execute(
        `INSERT INTO user_session (id, user_id, token_hash, is_pending, address, user_agent, created_at, last_seen_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8)`,
        [id, userId, tokenHash, isPending, address, userAgent, createdAt, expiresAt],
      )
    })
  }

  /** Returns the session of a cookie and when it was last seen, unless it has ended or its user is disabled. */
  async find(
    tokenHash: string,
    { now, idleSince }: { now: Date; idleSince: Date },
  ): Promise<(FoundSession & { lastSeenAt: Date }) | undefined> {
    const session = await this.database.first<FoundSession & { lastSeenAt: Date }>(
      `SELECT user_session.id AS "sessionId", user_id AS "userId", is_pending AS "isPending", last_seen_at AS "lastSeenAt",
         email, name, role, scope
       FROM user_session JOIN app_user ON app_user.id = user_id
       WHERE token_hash = $1 AND expires_at > $2 AND last_seen_at > $3 AND NOT is_disabled`,
      [tokenHash, now, idleSince],
    )
    return session ?? undefined
  }

  async recordSeen(id: string, at: Date): Promise<void> {
    await this.database.execute('UPDATE user_session SET last_seen_at = $2 WHERE id = $1', [id, at])
  }

  /** Lists the sessions of a user, most recently used first. */
  async list(userId: string, now: Date): Promise<StoredSession[]> {
    return this.database.query(
      `SELECT id, created_at AS "createdAt", last_seen_at AS "lastSeenAt", address, user_agent AS "userAgent"
       FROM user_session WHERE user_id = $1 AND NOT is_pending AND expires_at > $2 ORDER BY last_seen_at DESC`,
      [userId, now],
    )
  }

  async remove(userId: string, id: string): Promise<void> {
    await this.database.execute('DELETE FROM user_session WHERE user_id = $1 AND id = $2', [userId, id])
  }
}
