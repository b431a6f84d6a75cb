import { Injectable } from '@nestjs/common'
import { Database } from '../platform/prisma/database.ts'
import type { Sql } from '../platform/prisma/transaction.ts'
import { lockedUntil } from './domain/sign-in-limits.ts'
import type { User } from './domain/user.ts'

const COLUMNS = `id, email, name, role, scope, password_hash AS "passwordHash", totp_secret AS "totpSecret",
  is_totp_confirmed AS "isTotpConfirmed", is_disabled AS "isDisabled", failures, locked_until AS "lockedUntil",
  last_sign_in_at AS "lastSignInAt", created_at AS "createdAt", version`

/** The lock that protects the last admin; taken before any change that may remove one. */
const ADMIN_LOCK = 7_204_001

type NewUser = Pick<User, 'id' | 'email' | 'name' | 'role' | 'scope' | 'passwordHash' | 'createdAt'>

/** Stores users and their means of signing in. */
@Injectable()
export class UsersRepository {
  constructor(private readonly database: Database) {}

  async list(): Promise<User[]> {
    return this.database.query(`SELECT ${COLUMNS} FROM app_user ORDER BY name, email LIMIT 10000`)
  }

  async find(id: string): Promise<User | undefined> {
    return (
      (await this.database.first<User>(`SELECT ${COLUMNS} FROM app_user WHERE id = $1`, [id])) ?? undefined
    )
  }

  async findByEmail(email: string): Promise<User | undefined> {
    return (
      (await this.database.first<User>(`SELECT ${COLUMNS} FROM app_user WHERE email = $1`, [email])) ??
      undefined
    )
  }

  async isEmpty(): Promise<boolean> {
    return (await this.database.query('SELECT 1 FROM app_user LIMIT 1')).length === 0
  }

  /** Inserts a user. Returns false if the e-mail address is taken. */
  async add(user: NewUser): Promise<boolean> {
    return this.insert(this.database, user)
  }

  /**
   * Inserts the first user and deletes the setup link in one transaction. Returns false if the link is invalid or a
   * user exists.
   */
  async addFirst(user: NewUser, tokenHash: string): Promise<boolean> {
    return this.database.transaction(async (client) => {
      await client.execute('SELECT pg_advisory_xact_lock($1)', [ADMIN_LOCK])
      const links = await client.execute(
        `DELETE FROM one_time_link WHERE token_hash = $1 AND purpose = 'setup' AND expires_at > $2
         AND NOT EXISTS (SELECT 1 FROM app_user)`,
        [tokenHash, user.createdAt],
      )
      return links === 1 && (await this.insert(client, user))
    })
  }

  private async insert(client: Sql, user: NewUser): Promise<boolean> {
    const count = await client.execute(
      `INSERT INTO app_user (id, email, name, role, scope, password_hash, created_at)
       VALUES ($1, $2, $3, $4, $5::jsonb, $6, $7) ON CONFLICT (email) DO NOTHING`,
      [user.id, user.email, user.name, user.role, jsonOrNull(user.scope), user.passwordHash, user.createdAt],
    )
    return count === 1
  }

  /**
   * Changes a user. Returns undefined if `version` is outdated, `last_admin` if no admin would be left. With
   * `endsLinks`, pending password links become invalid.
   */
  async change(
    id: string,
    version: number,
    next: Pick<User, 'name' | 'role' | 'scope' | 'isDisabled'>,
    endsLinks: boolean,
  ): Promise<User | 'last_admin' | undefined> {
    const staysAdmin = next.role === 'admin' && !next.isDisabled && next.scope === null
    return this.keepingAdmin(id, staysAdmin, async (client) => {
      const rows = await client.query<User>(
        `UPDATE app_user SET name = $3, role = $4, scope = $5::jsonb, is_disabled = $6, version = version + 1
         WHERE id = $1 AND version = $2 RETURNING ${COLUMNS}`,
        [id, version, next.name, next.role, jsonOrNull(next.scope), next.isDisabled],
      )
      // A disabled user is signed out; others keep their sessions with the new rights.
      if (rows[0] && endsLinks) await client.execute('DELETE FROM one_time_link WHERE user_id = $1', [id])
      if (rows[0]?.isDisabled) await client.execute('DELETE FROM user_session WHERE user_id = $1', [id])
      return rows[0]
    })
  }

  /**
   * Removes a user with their keys and sessions. Returns false if `version` is outdated, `last_admin` if no admin would
   * be left.
   */
  async remove(id: string, version: number): Promise<boolean | 'last_admin'> {
    return this.keepingAdmin(id, false, async (client) => {
      const sql = 'DELETE FROM app_user WHERE id = $1 AND version = $2'
      return (await client.execute(sql, [id, version])) === 1
    })
  }

  private async keepingAdmin<T>(
    id: string,
    staysAdmin: boolean,
    work: (client: Sql) => Promise<T>,
  ): Promise<T | 'last_admin'> {
    return this.database.transaction(async (client) => {
      await client.execute('SELECT pg_advisory_xact_lock($1)', [ADMIN_LOCK])
      const others = await client.query(
        `SELECT 1 FROM app_user WHERE id <> $1 AND role = 'admin' AND NOT is_disabled AND scope IS NULL LIMIT 1`,
        [id],
      )
      return others.length === 0 && !staysAdmin ? 'last_admin' : work(client)
    })
  }

  /** Sets a password, ends all other sessions and lifts the lock. */
  async setPassword(id: string, passwordHash: string, keepSession: string | null): Promise<void> {
    await this.database.transaction(async (client) => {
      await client.execute(
        'UPDATE app_user SET password_hash = $2, failures = 0, locked_until = NULL, version = version + 1 WHERE id = $1',
        [id, passwordHash],
      )
      const others = 'DELETE FROM user_session WHERE user_id = $1 AND id IS DISTINCT FROM $2'
      await client.execute(others, [id, keepSession])
    })
  }

  /**
   * Removes password, second factor, single sign-on links and sessions. Returns the new version; undefined if `version`
   * is outdated.
   */
  async reset(id: string, version: number): Promise<number | undefined> {
    return this.database.transaction(async (client) => {
      const rows = await client.query<{ version: number }>(
        `UPDATE app_user SET password_hash = NULL, totp_secret = NULL, is_totp_confirmed = false, recovery_hashes = '{}',
           failures = 0, locked_until = NULL, version = version + 1 WHERE id = $1 AND version = $2 RETURNING version`,
        [id, version],
      )
      if (!rows[0]) return undefined
      await client.execute('DELETE FROM user_identity WHERE user_id = $1', [id])
      await client.execute('DELETE FROM user_session WHERE user_id = $1', [id])
      return rows[0].version
    })
  }

  /**
   * Counts an attempt as failed before it is judged, so parallel attempts cannot exceed the limit. Returns until when
   * the account is locked; null if the attempt may be judged.
   */
  async countAttempt(id: string, now: Date): Promise<Date | null> {
    return this.database.transaction(async (client) => {
      const rows = await client.query<Pick<User, 'failures' | 'lockedUntil'>>(
        'SELECT failures, locked_until AS "lockedUntil" FROM app_user WHERE id = $1 FOR UPDATE',
        [id],
      )
      const [user] = rows
      if (!user) return null
      if (user.lockedUntil && user.lockedUntil > now) return user.lockedUntil
      const failures = user.failures + 1
      const sql = 'UPDATE app_user SET failures = $2, locked_until = $3 WHERE id = $1'
      await client.execute(sql, [id, failures, lockedUntil(failures, now)])
      return null
    })
  }

  /** Refunds one right answer that does not complete a sign-in; other failures remain counted. */
  async refundAttempt(id: string, now: Date): Promise<void> {
    await this.database.transaction(async (client) => {
      const rows = await client.query<Pick<User, 'failures'>>(
        'UPDATE app_user SET failures = greatest(failures - 1, 0) WHERE id = $1 RETURNING failures',
        [id],
      )
      if (rows[0] && lockedUntil(rows[0].failures, now) === null)
        await client.execute('UPDATE app_user SET locked_until = NULL WHERE id = $1', [id])
    })
  }

  async recordSignIn(id: string, now: Date): Promise<void> {
    await this.database.execute(
      'UPDATE app_user SET failures = 0, locked_until = NULL, last_sign_in_at = $2 WHERE id = $1',
      [id, now],
    )
  }

  async setTotpSecret(id: string, sealed: Uint8Array): Promise<void> {
    await this.database.execute(
      'UPDATE app_user SET totp_secret = $2, is_totp_confirmed = false, totp_last_step = 0 WHERE id = $1',
      [id, Buffer.from(sealed)],
    )
  }

  async confirmTotp(id: string, recoveryHashes: string[]): Promise<void> {
    const sql = 'UPDATE app_user SET is_totp_confirmed = true, recovery_hashes = $2 WHERE id = $1'
    await this.database.execute(sql, [id, recoveryHashes])
  }

  async disableTotp(id: string): Promise<void> {
    await this.database.execute(
      `UPDATE app_user SET totp_secret = NULL, is_totp_confirmed = false, recovery_hashes = '{}' WHERE id = $1`,
      [id],
    )
  }

  /** Marks the code of a time step as used. Returns false if it was used before. */
  async useTotpStep(id: string, step: number): Promise<boolean> {
    const sql = 'UPDATE app_user SET totp_last_step = $2 WHERE id = $1 AND totp_last_step < $2'
    return (await this.database.execute(sql, [id, step])) === 1
  }

  /** Uses up a recovery code. Returns false if there is none. */
  async useRecoveryCode(id: string, hash: string): Promise<boolean> {
    const sql = `UPDATE app_user SET recovery_hashes = array_remove(recovery_hashes, $2)
      WHERE id = $1 AND $2 = ANY (recovery_hashes)`
    return (await this.database.execute(sql, [id, hash])) === 1
  }
}

const jsonOrNull = (value: unknown) => (value === null ? null : JSON.stringify(value))
