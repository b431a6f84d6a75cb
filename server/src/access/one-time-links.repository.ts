import { Injectable } from '@nestjs/common'
import { Database } from '../platform/prisma/database.ts'

/** Stores links by the hash of their token; the token itself is never stored. */
@Injectable()
export class OneTimeLinksRepository {
  constructor(private readonly database: Database) {}

  /** Replaces the setup link; earlier ones are invalid from then on. */
  async replaceSetup(tokenHash: string, expiresAt: Date): Promise<void> {
    await this.database.transaction(async (client) => {
      await client.execute(`DELETE FROM one_time_link WHERE purpose = 'setup'`)
      await client.execute(
        `INSERT INTO one_time_link (token_hash, purpose, user_id, expires_at) VALUES ($1, 'setup', NULL, $2)`,
        [tokenHash, expiresAt],
      )
    })
  }

  /** Removes the links of a user, and all expired links. */
  async removeForUser(userId: string, now: Date): Promise<void> {
    const sql = 'DELETE FROM one_time_link WHERE user_id = $1 OR expires_at < $2'
    await this.database.execute(sql, [userId, now])
  }

  /** Stores a link for a user whose version is still `version`. Returns false if it is not. */
  async add(link: { tokenHash: string; expiresAt: Date; userId: string; version: number }): Promise<boolean> {
    // Locks the user's row: a concurrent change of rights either ends this link or is seen here.
    return (
      (await this.database.execute(
        `INSERT INTO one_time_link (token_hash, purpose, user_id, expires_at)
       SELECT $1, 'password', id, $2::timestamptz FROM app_user WHERE id = $3 AND version = $4 FOR SHARE`,
        [link.tokenHash, link.expiresAt, link.userId, link.version],
      )) !== 0
    )
  }

  /** Removes a valid link and returns its user. */
  async redeem(tokenHash: string, now: Date): Promise<string | undefined> {
    return (
      await this.database.first<{ userId: string }>(
        `DELETE FROM one_time_link WHERE token_hash = $1 AND purpose = 'password' AND expires_at > $2
       RETURNING user_id AS "userId"`,
        [tokenHash, now],
      )
    )?.userId
  }

  /** Returns the user of a valid link without using it up. */
  async find(tokenHash: string, now: Date): Promise<string | undefined> {
    return (
      await this.database.first<{ userId: string }>(
        `SELECT user_id AS "userId" FROM one_time_link WHERE token_hash = $1 AND purpose = 'password' AND expires_at > $2`,
        [tokenHash, now],
      )
    )?.userId
  }
}
