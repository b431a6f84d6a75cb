import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import {
  type KeyView,
  type newKey,
  PERMISSIONS,
  type Permission,
  permission,
} from '@rollcall/contracts/admin'
import type { z } from 'zod'
import { Clock } from '../platform/clock/clock.ts'
import { DataDir } from '../platform/config/data-dir.ts'
import { Database } from '../platform/prisma/database.ts'
import { scopeFrom } from './domain/host-scope.ts'
import { hashOfToken, newToken } from './one-time-links.ts'
import type { Principal } from './principal.ts'

export const KEY_FILE = 'api-key'
const DAY_MS = 86_400_000
const NOTE_USED_MS = 60_000

interface KeyRow {
  id: string
  name: string
  kind: 'local' | 'key'
  hash: string
  permissions: string[] | null
  scope: string[] | null
  createdBy: string | null
  createdAt: Date
  expiresAt: Date | null
  lastUsedAt: Date | null
}

const COLUMNS = `id, name, kind, hash, permissions, scope, created_by AS "createdBy", created_at AS "createdAt",
  expires_at AS "expiresAt", last_used_at AS "lastUsedAt"`

/** Keys for the API: 256 random bits each, kept as SHA-256. */
@Injectable()
export class ApiKeysService {
  constructor(
    private readonly database: Database,
    private readonly dataDir: DataDir,
    private readonly clock: Clock,
  ) {}

  /** Whose key this is; undefined for one that is not known or has expired. */
  async find(key: string): Promise<Principal | undefined> {
    const now = this.clock.now()
    const { rows } = await this.query(
      `SELECT ${COLUMNS} FROM api_key WHERE hash = $1 AND (expires_at IS NULL OR expires_at > $2)`,
      [hashOfToken(key), now],
    )
    const [found] = rows
    if (!found) return undefined
    if (now.getTime() - (found.lastUsedAt?.getTime() ?? 0) > NOTE_USED_MS)
      await this.query('UPDATE api_key SET last_used_at = $2 WHERE id = $1', [found.id, now])
    return {
      kind: found.kind,
      id: found.id,
      name: found.name,
      email: null,
      role: found.kind === 'local' ? 'admin' : null,
      permissions: new Set(permissionsOf(found)),
      scopeText: found.scope,
      scope: scopeFrom(found.scope),
      sessionId: null,
    }
  }

  async list(): Promise<KeyView[]> {
    const { rows } = await this.query(`SELECT ${COLUMNS} FROM api_key ORDER BY name LIMIT 10000`)
    return rows.map(viewOf)
  }

  /** No key may do more than whoever makes it. */
  async add(wanted: z.output<typeof newKey>, maker: Principal): Promise<{ key: KeyView; secret: string }> {
    const beyond = wanted.permissions.find((each) => !maker.permissions.has(each))
    if (beyond) throw refusal('permissions', `You may not give "${beyond}": you do not have it yourself.`)
    if (maker.scope !== null && JSON.stringify(wanted.scope) !== JSON.stringify(maker.scopeText))
      throw refusal('scope', `Your own scope is ${maker.scopeText?.join(', ')}; a key of yours has the same.`)
    const secret = `rck_${newToken()}`
    const now = this.clock.now()
    const { expiresInDays: days } = wanted
    const expiresAt = days === null ? null : new Date(now.getTime() + days * DAY_MS)
    const { rows } = await this.query(
      `INSERT INTO api_key (id, name, kind, hash, permissions, scope, created_by, created_at, expires_at)
       VALUES ($1, $2, 'key', $3, $4, $5::jsonb, $6, $7, $8) ON CONFLICT (name) DO NOTHING RETURNING ${COLUMNS}`,
      [
        randomUUID(),
        wanted.name,
        hashOfToken(secret),
        wanted.permissions,
        wanted.scope && JSON.stringify(wanted.scope),
        maker.name,
        now,
        expiresAt,
      ],
    )
    if (!rows[0])
      throw new RollcallError(
        'key.name_taken',
        `There is a key named "${wanted.name}". Choose another name.`,
        {
          fields: [{ field: 'name', message: 'is taken' }],
        },
      )
    return { key: viewOf(rows[0]), secret }
  }

  async remove(id: string): Promise<void> {
    const { rowCount } = await this.query(`DELETE FROM api_key WHERE id = $1 AND kind = 'key'`, [id])
    if (rowCount === 0)
      throw new RollcallError(
        'key.not_found',
        `There is no such API key, or it is a server's own: that one goes when its file ${KEY_FILE} is removed and the server started again.`,
      )
  }

  /**
   * Makes sure that the key for this machine's own command line exists; it stands in a file that only its owner can read.
   * Each server on a database has its own. One whose file is gone is replaced by another.
   */
  async ensureLocalKey(): Promise<void> {
    const key = await readFile(this.dataDir.file(KEY_FILE), 'utf8').then(
      (text) => text.trim(),
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error
        return undefined
      },
    )
    const name = `local-${this.dataDir.installationId.slice(0, 8)}`
    const known = (await this.query(`SELECT ${COLUMNS} FROM api_key WHERE name = $1`, [name])).rows[0]
    if (key && known?.hash === hashOfToken(key)) return
    const fresh = `rck_${newToken()}`
    // The file first: a crash in between leaves a key that is not known yet, and the next start makes another.
    await this.dataDir.write(KEY_FILE, `${fresh}\n`)
    await this.query(
      `INSERT INTO api_key (id, name, kind, hash, created_at) VALUES ($1, $2, 'local', $3, $4)
       ON CONFLICT (name) DO UPDATE SET hash = excluded.hash, created_at = excluded.created_at`,
      [randomUUID(), name, hashOfToken(fresh), this.clock.now()],
    )
  }

  private query(sql: string, values: unknown[] = []) {
    return this.database.pool.query<KeyRow>(sql, values)
  }
}

/** What a later release has stored and this one does not know counts for nothing. */
const permissionsOf = ({ kind, permissions }: KeyRow): Permission[] =>
  kind === 'local'
    ? [...PERMISSIONS]
    : (permissions ?? []).flatMap((each) => permission.safeParse(each).data ?? [])

const viewOf = (row: KeyRow): KeyView => ({
  id: row.id,
  name: row.name,
  kind: row.kind,
  permissions: permissionsOf(row),
  scope: row.scope,
  createdBy: row.createdBy,
  createdAt: row.createdAt.toISOString(),
  expiresAt: row.expiresAt?.toISOString() ?? null,
  lastUsedAt: row.lastUsedAt?.toISOString() ?? null,
})

const refusal = (field: string, message: string) =>
  new RollcallError('request.invalid', message, { fields: [{ field: `body.${field}`, message }] })
