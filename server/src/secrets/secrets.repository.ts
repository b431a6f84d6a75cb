import { createHmac, randomUUID } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { Sealer } from '../platform/crypto/sealer.ts'
import { Database } from '../platform/prisma/database.ts'
import type { Sql } from '../platform/prisma/transaction.ts'
import { outdatedVersions } from './domain/outdated-versions.ts'
import type { NewestVersion, Secret, SecretUse, SecretVersion } from './domain/secret.ts'
import { SecretUses } from './secret-uses.ts'

/** Bounds what one request lists, and what the database holds. */
export const MAX_SECRETS = 1000

const NEWEST = `JOIN LATERAL (
  SELECT version, digest, bytes, fits_environment, created_at FROM secret_version
  WHERE secret_id = secret.id ORDER BY version DESC LIMIT 1) newest ON true`

const SECRET = `SELECT secret.id, secret.name, newest.version, newest.bytes, secret.created_by AS "createdBy",
  secret.created_at AS "createdAt", newest.created_at AS "updatedAt" FROM secret ${NEWEST}`

interface NewValue {
  name: string
  value: Buffer
  by: string
  at: Date
}

interface NewVersion extends NewValue {
  secretId: string
  version: number
  digest: string
}

@Injectable()
export class SecretsRepository {
  private readonly digestKey: Buffer

  constructor(
    private readonly database: Database,
    private readonly sealer: Sealer,
    private readonly uses: SecretUses,
  ) {
    this.digestKey = sealer.deriveKey('secret digests')
  }

  /** Lists all secrets by name. */
  list(): Promise<Secret[]> {
    return this.database.query<Secret>(`${SECRET} ORDER BY secret.name LIMIT $1`, [MAX_SECRETS])
  }

  find(name: string): Promise<Secret | null> {
    return this.database.first<Secret>(`${SECRET} WHERE secret.name = $1`, [name])
  }

  /** Lists a secret's versions, newest first. */
  listVersions(id: string): Promise<SecretVersion[]> {
    return this.database.query<SecretVersion>(
      `SELECT version, digest, bytes, fits_environment AS "fitsEnvironment", created_by AS "createdBy",
              created_at AS "createdAt"
       FROM secret_version WHERE secret_id = $1 ORDER BY version DESC`,
      [id],
    )
  }

  /** Lists who uses secrets: that of this name, or all. */
  listUses(name?: string): Promise<SecretUse[]> {
    return this.uses.find(this.database, name === undefined ? null : [name])
  }

  /** Returns the newest version of each secret that exists. In a `transaction`, none of them is removed before it ends. */
  async newest(names: readonly string[], transaction?: Sql): Promise<Map<string, NewestVersion>> {
    const rows = await (transaction ?? this.database).query<NewestVersion & { name: string }>(
      `SELECT secret.name, newest.version, newest.digest, newest.fits_environment AS "fitsEnvironment"
       FROM secret ${NEWEST} WHERE secret.name = ANY($1::text[]) ${transaction ? 'FOR SHARE OF secret' : ''}`,
      [names],
    )
    return new Map(rows.map(({ name, ...version }) => [name, version]))
  }

  /** Opens the value of one version, or returns null if there is none. */
  async open(name: string, version: number): Promise<Buffer | null> {
    const row = await this.database.first<{ id: string; data: Buffer }>(
      `SELECT secret_version.id, data FROM secret_version JOIN secret ON secret.id = secret_id
       WHERE secret.name = $1 AND version = $2`,
      [name, version],
    )
    return row && Buffer.from(this.sealer.open(row.data, toSealContext(row.id)), 'base64')
  }

  /**
   * Adds a version unless the newest has this value, and deletes versions that are outdated. Returns whether it added
   * one. Throws `secret.too_many`.
   */
  async set({ name, value, by, at }: NewValue): Promise<boolean> {
    const digest = this.toDigest(name, value)
    return this.database.transaction(async (sql) => {
      // The update changes nothing, and holds the row against others who set or remove it.
      const { id, isNew } = await sql.one<{ id: string; isNew: boolean }>(
        `INSERT INTO secret (id, name, created_by, created_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id, xmax = 0 AS "isNew"`,
        [randomUUID(), name, by, at],
      )
      if (isNew) await refuseTooMany(sql)
      const versions = await sql.query<{ version: number; digest: string }>(
        'SELECT version, digest FROM secret_version WHERE secret_id = $1 ORDER BY version DESC',
        [id],
      )
      if (versions[0]?.digest === digest) return false
      const version = (versions[0]?.version ?? 0) + 1
      await this.addVersion(sql, { secretId: id, version, digest, name, value, by, at })
      const used = (await this.uses.find(sql, [name])).map((use) => use.version)
      const outdated = outdatedVersions([version, ...versions.map((each) => each.version)], used)
      await sql.execute('DELETE FROM secret_version WHERE secret_id = $1 AND version = ANY($2::int[])', [
        id,
        outdated,
      ])
      return true
    })
  }

  /** Removes a secret unless something uses it. Returns who does, or null if there is no such secret. */
  async remove(name: string): Promise<SecretUse[] | null> {
    return this.database.transaction(async (sql) => {
      const row = await sql.first<{ id: string }>('SELECT id FROM secret WHERE name = $1 FOR UPDATE', [name])
      if (!row) return null
      const used = await this.uses.find(sql, [name])
      if (used.length === 0) await sql.execute('DELETE FROM secret WHERE id = $1', [row.id])
      return used
    })
  }

  private async addVersion(
    sql: Sql,
    { secretId, version, digest, value, by, at }: NewVersion,
  ): Promise<void> {
    const id = randomUUID()
    const data = Buffer.from(this.sealer.seal(value.toString('base64'), toSealContext(id)))
    await sql.execute(
      `INSERT INTO secret_version
         (id, secret_id, version, data, digest, bytes, fits_environment, created_by, created_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      [id, secretId, version, data, digest, value.length, !value.includes(0), by, at],
    )
  }

  private toDigest(name: string, value: Buffer): string {
    return createHmac('sha256', this.digestKey).update(`${name}\0`).update(value).digest('hex')
  }
}

async function refuseTooMany(sql: Sql): Promise<void> {
  const { count } = await sql.one<{ count: number }>('SELECT count(*)::int AS count FROM secret')
  if (count <= MAX_SECRETS) return
  throw new RollcallError(
    'secret.too_many',
    `There are ${MAX_SECRETS} secrets, which is the most. Remove one that nothing uses: rollcall secret remove NAME`,
  )
}

const toSealContext = (id: string) => `secret-version/${id}`
