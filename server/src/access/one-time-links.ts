import { createHash, randomBytes } from 'node:crypto'
import { Inject, Injectable } from '@nestjs/common'
import { Clock } from '../platform/clock/clock.ts'
import type { Config } from '../platform/config/config.ts'
import { DataDir } from '../platform/config/data-dir.ts'
import { Database } from '../platform/prisma/database.ts'
import { CONFIG } from '../platform/tokens.ts'

const SETUP_HOURS = 24
const PASSWORD_HOURS = 72
const HOUR_MS = 3_600_000
export const SETUP_FILE = 'setup-link'

/** The hash under which a token of 256 random bits is kept: nothing slower is needed. */
export const hashOfToken = (token: string) => createHash('sha256').update(token).digest('hex')
export const newToken = () => randomBytes(32).toString('base64url')

/** Links that open the way to a password once. The token stands behind the #, so that it is in no server's log. */
@Injectable()
export class OneTimeLinks {
  constructor(
    private readonly database: Database,
    private readonly dataDir: DataDir,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** The way to the first admin, which stands in a file that only the server's owner can read. Earlier ones open nothing any more. */
  async makeSetupLink(serverUrl: string): Promise<string> {
    const token = newToken()
    const link = `${this.config.publicUrl ?? serverUrl}/setup#${token}`
    await this.dataDir.write(SETUP_FILE, `${link}\n`)
    await this.database.transaction(async (client) => {
      await client.query(`DELETE FROM one_time_link WHERE purpose = 'setup'`)
      await client.query(
        `INSERT INTO one_time_link (token_hash, purpose, user_id, expires_at) VALUES ($1, 'setup', NULL, $2)`,
        [hashOfToken(token), this.hoursFromNow(SETUP_HOURS)],
      )
    })
    return link
  }

  /**
   * For a user to set a password by. The page's own origin comes before it in the browser. Undefined where the user was changed
   * since `version`.
   */
  async makePasswordLink(
    userId: string,
    version: number,
  ): Promise<{ link: string; expiresAt: Date } | undefined> {
    const token = newToken()
    await this.database.pool.query('DELETE FROM one_time_link WHERE user_id = $1 OR expires_at < $2', [
      userId,
      this.clock.now(),
    ])
    const expiresAt = this.hoursFromNow(PASSWORD_HOURS)
    // Locks the user's row: a change of rights at this moment either sees the link and ends it, or is seen here.
    const { rowCount } = await this.database.pool.query(
      `INSERT INTO one_time_link (token_hash, purpose, user_id, expires_at)
       SELECT $1, 'password', id, $2::timestamptz FROM app_user WHERE id = $3 AND version = $4 FOR SHARE`,
      [hashOfToken(token), expiresAt, userId, version],
    )
    if (rowCount === 0) return undefined
    return { link: `${this.config.publicUrl ?? ''}/invite#${token}`, expiresAt }
  }

  /** The user that a link is for; whoever asks again gets nothing. */
  async take(token: string): Promise<string | undefined> {
    const { rows } = await this.database.pool.query(
      `DELETE FROM one_time_link WHERE token_hash = $1 AND purpose = 'password' AND expires_at > $2
       RETURNING user_id AS "userId"`,
      [hashOfToken(token), this.clock.now()],
    )
    return rows[0]?.userId
  }

  /** The user that a link is for, which stays good. */
  async look(token: string): Promise<string | undefined> {
    const { rows } = await this.database.pool.query(
      `SELECT user_id AS "userId" FROM one_time_link WHERE token_hash = $1 AND purpose = 'password' AND expires_at > $2`,
      [hashOfToken(token), this.clock.now()],
    )
    return rows[0]?.userId
  }

  private hoursFromNow(hours: number): Date {
    return new Date(this.clock.now().getTime() + hours * HOUR_MS)
  }
}
