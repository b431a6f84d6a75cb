import { randomUUID } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { sanitizeText } from '@rollcall/contracts'
import type { Role, SessionView } from '@rollcall/contracts/admin'
import { Clock } from '../platform/clock/clock.ts'
import { Database } from '../platform/prisma/database.ts'
import { hashOfToken, newToken } from './one-time-links.ts'

/** A session that nobody used for so long is over, and so is one of this age however much it is used. */
const IDLE_MS = 12 * 3_600_000
const LIFE_MS = 7 * 86_400_000
/** For the second factor to follow the password. */
const PENDING_MS = 10 * 60_000
const NOTE_SEEN_MS = 60_000
const MOST_PER_USER = 50

export interface FoundSession {
  sessionId: string
  userId: string
  isPending: boolean
  email: string
  name: string
  role: Role
  scope: string[] | null
}

export interface Visitor {
  address: string
  userAgent: string
}

/** Browsers that people are signed in with. A cookie of 256 random bits each, kept as SHA-256. */
@Injectable()
export class SessionsService {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** A session of its own for each sign-in: a cookie that somebody else has set before opens nothing. Returns the cookie. */
  async begin(userId: string, isPending: boolean, visitor: Visitor): Promise<string> {
    const token = newToken()
    const now = this.clock.now()
    await this.database.transaction(async (client) => {
      await client.query(
        `DELETE FROM user_session WHERE user_id = $1 AND (expires_at < $2 OR last_seen_at < $3 OR id IN (
           SELECT id FROM user_session WHERE user_id = $1 ORDER BY last_seen_at DESC OFFSET $4))`,
        [userId, now, new Date(now.getTime() - IDLE_MS), MOST_PER_USER - 1],
      )
      await client.query(
        `INSERT INTO user_session (id, user_id, token_hash, is_pending, address, user_agent, created_at, last_seen_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8)`,
        [
          randomUUID(),
          userId,
          hashOfToken(token),
          isPending,
          visitor.address,
          sanitizeText(visitor.userAgent, 300),
          now,
          new Date(now.getTime() + (isPending ? PENDING_MS : LIFE_MS)),
        ],
      )
    })
    return token
  }

  /** The session of a cookie, unless it has ended or its user may not sign in any more. */
  async find(token: string): Promise<FoundSession | undefined> {
    const now = this.clock.now()
    const { rows } = await this.database.pool.query(
      `SELECT user_session.id AS "sessionId", user_id AS "userId", is_pending AS "isPending", last_seen_at AS "lastSeenAt",
         email, name, role, scope
       FROM user_session JOIN app_user ON app_user.id = user_id
       WHERE token_hash = $1 AND expires_at > $2 AND last_seen_at > $3 AND NOT is_disabled`,
      [hashOfToken(token), now, new Date(now.getTime() - IDLE_MS)],
    )
    const [found] = rows
    if (!found) return undefined
    const { lastSeenAt, ...session } = found
    if (now.getTime() - lastSeenAt.getTime() > NOTE_SEEN_MS)
      await this.database.pool.query('UPDATE user_session SET last_seen_at = $2 WHERE id = $1', [
        session.sessionId,
        now,
      ])
    return session
  }

  async list(userId: string, currentId: string | null): Promise<SessionView[]> {
    const { rows } = await this.database.pool.query(
      `SELECT id, created_at, last_seen_at, address, user_agent FROM user_session
       WHERE user_id = $1 AND NOT is_pending AND expires_at > $2 ORDER BY last_seen_at DESC`,
      [userId, this.clock.now()],
    )
    return rows.map((row) => ({
      id: row.id,
      createdAt: row.created_at.toISOString(),
      lastSeenAt: row.last_seen_at.toISOString(),
      address: row.address,
      userAgent: row.user_agent,
      isCurrent: row.id === currentId,
    }))
  }

  async end(userId: string, sessionId: string): Promise<void> {
    await this.database.pool.query('DELETE FROM user_session WHERE user_id = $1 AND id = $2', [
      userId,
      sessionId,
    ])
  }
}
