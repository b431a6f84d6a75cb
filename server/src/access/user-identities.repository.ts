import { Injectable } from '@nestjs/common'
import { Database } from '../platform/prisma/database.ts'
import type { KnownUser, SsoView } from './domain/decide-sso.ts'
import type { User } from './domain/user.ts'

type NewUser = Pick<User, 'id' | 'email' | 'name' | 'role' | 'scope' | 'createdAt'>

/** Stores the links between users and single sign-on subjects. */
@Injectable()
export class UserIdentitiesRepository {
  constructor(private readonly database: Database) {}

  async find(issuer: string, subject: string, email: string | null): Promise<SsoView> {
    const rows = await this.database.query<KnownUser & { isLinked: boolean; isThis: boolean | null }>(
      `SELECT id, is_disabled AS "isDisabled", link.subject IS NOT NULL AS "isLinked", link.subject = $2 AS "isThis"
       FROM app_user LEFT JOIN user_identity link ON link.user_id = app_user.id AND link.issuer = $1
       WHERE link.subject = $2 OR email = $3`,
      [issuer, subject, email],
    )
    return {
      linked: rows.find(({ isThis }) => isThis === true),
      byEmail: rows.find(({ isThis }) => isThis !== true),
    }
  }

  /** Links a subject to a user. Returns false if either was linked concurrently. */
  async link(issuer: string, subject: string, userId: string, now: Date): Promise<boolean> {
    return (
      (await this.database.execute(
        `INSERT INTO user_identity (issuer, subject, user_id, created_at)
       SELECT $1, $2, id, $4 FROM app_user WHERE id = $3 ON CONFLICT DO NOTHING`,
        [issuer, subject, userId, now],
      )) === 1
    )
  }

  /** Inserts a user with a link. Returns false if the address or subject was taken concurrently. */
  async add(issuer: string, subject: string, user: NewUser): Promise<boolean> {
    const { id, email, name, role, scope, createdAt } = user
    return this.database.transaction(async (client) => {
      const added = await client.execute(
        `INSERT INTO app_user (id, email, name, role, scope, created_at)
         SELECT $1, $2, $3, $4, $5::jsonb, $6
         WHERE NOT EXISTS (SELECT 1 FROM user_identity WHERE issuer = $7 AND subject = $8) ON CONFLICT DO NOTHING`,
        [id, email, name, role, scope && JSON.stringify(scope), createdAt, issuer, subject],
      )
      if (added !== 1) return false
      await client.execute(
        'INSERT INTO user_identity (issuer, subject, user_id, created_at) VALUES ($1, $2, $3, $4)',
        [issuer, subject, id, createdAt],
      )
      return true
    })
  }
}
