import { Injectable } from '@nestjs/common'
import { PERMISSIONS, type Permission, permission } from '@rollcall/contracts/admin'
import { Database } from '../platform/prisma/database.ts'
import { Prisma } from '../platform/prisma/generated/client.ts'
import { type ApiKey, MAX_CHAIN, type NewApiKey } from './domain/api-key.ts'
import { type Grant, toUserGrant } from './domain/rights.ts'
import type { User } from './domain/user.ts'

type Owner = Pick<User, 'id' | 'name' | 'email' | 'role' | 'scope' | 'isDisabled'>

interface Row extends Omit<ApiKey, 'chain' | 'depth' | 'owner' | 'permissions'> {
  permissions: string[] | null
  parentId: string | null
  owner: Owner | null
}

const COLUMNS = `api_key.id, api_key.name, kind, permissions, api_key.scope, created_by AS "createdBy",
  api_key.created_at AS "createdAt", expires_at AS "expiresAt", last_used_at AS "lastUsedAt", api_key.parent_id AS "parentId",
  (SELECT name FROM api_key parent WHERE parent.id = api_key.parent_id) AS parent,
  (SELECT jsonb_build_object('id', id, 'name', name, 'email', email, 'role', role, 'scope', scope, 'isDisabled', is_disabled)
   FROM app_user WHERE app_user.id = api_key.owner_id) AS owner`

/** Selects a key and its ancestors, the key first. */
const selectChain = (condition: string) => `WITH RECURSIVE chain AS (
    SELECT id, parent_id, 0 AS depth FROM api_key WHERE ${condition}
    UNION ALL
    SELECT parent.id, parent.parent_id, depth + 1 FROM api_key parent JOIN chain ON parent.id = chain.parent_id
    WHERE depth <= ${MAX_CHAIN}
  ) SELECT ${COLUMNS} FROM chain JOIN api_key ON api_key.id = chain.id ORDER BY depth`

@Injectable()
export class ApiKeysRepository {
  constructor(private readonly database: Database) {}

  async findByHash(hash: string): Promise<ApiKey | undefined> {
    const rows = await this.database.query<Row>(selectChain('hash = $1'), [hash])
    return rows[0] && toKey(rows[0], rows)
  }

  async findById(id: string): Promise<ApiKey | undefined> {
    const rows = await this.database.query<Row>(selectChain('id = $1'), [id])
    return rows[0] && toKey(rows[0], rows)
  }

  /** Lists all keys by name. */
  async list(): Promise<ApiKey[]> {
    const rows = await this.database.query<Row>(`SELECT ${COLUMNS} FROM api_key ORDER BY name LIMIT 10000`)
    const byId = new Map(rows.map((row) => [row.id, row]))
    return rows.map((row) => {
      const chain = [row]
      for (let next = row.parentId; next !== null && chain.length <= MAX_CHAIN + 1; ) {
        const parent = byId.get(next)
        if (!parent) break
        chain.push(parent)
        next = parent.parentId
      }
      return toKey(row, chain)
    })
  }

  /** Inserts a key. Returns false if the name is taken. */
  async add(key: NewApiKey): Promise<boolean> {
    const { count } = await this.database.prisma.apiKey.createMany({
      data: { ...key, kind: 'key', scope: key.scope ?? Prisma.DbNull },
      skipDuplicates: true,
    })
    return count === 1
  }

  /** Removes a key and all keys made with it. Returns false if there is none or it is a server's own. */
  async remove(id: string): Promise<boolean> {
    const sql = `DELETE FROM api_key WHERE id = $1 AND kind = 'key'`
    return (await this.database.execute(sql, [id])) === 1
  }

  async recordUse(id: string, now: Date): Promise<void> {
    await this.database.execute('UPDATE api_key SET last_used_at = $2 WHERE id = $1', [id, now])
  }

  async findHash(name: string): Promise<string | undefined> {
    const sql = "SELECT hash FROM api_key WHERE name = $1 AND kind = 'local'"
    return (await this.database.first<{ hash: string }>(sql, [name]))?.hash
  }

  /** Stores a server's own key and replaces its previous one. */
  async replaceLocal(id: string, name: string, hash: string, now: Date): Promise<void> {
    await this.database.execute(
      `INSERT INTO api_key (id, name, kind, hash, created_at) VALUES ($1, $2, 'local', $3, $4)
       ON CONFLICT (name) DO UPDATE SET hash = excluded.hash, created_at = excluded.created_at`,
      [id, name, hash, now],
    )
  }
}

function toKey({ parentId: _, ...row }: Row, chain: readonly Row[]): ApiKey {
  const { owner } = row
  return {
    ...row,
    permissions: readPermissions(row),
    owner: owner && { id: owner.id, name: owner.name, email: owner.email },
    chain: isComplete(chain) ? chain.flatMap(toGrants) : [],
    depth: chain.length,
  }
}

/** Tells whether a chain ends at an owner or a server's own key. */
function isComplete(chain: readonly Row[]): boolean {
  const last = chain.at(-1)
  return last !== undefined && last.parentId === null && (last.kind === 'local' || last.owner !== null)
}

const toGrants = (row: Row): Grant[] => [
  {
    permissions: new Set(readPermissions(row)),
    scopeText: row.scope,
    isDisabled: false,
    expiresAt: row.expiresAt,
  },
  ...(row.owner ? [toUserGrant(row.owner)] : []),
]

/** Reads the permissions of a key and ignores those of a later release. */
const readPermissions = ({ kind, permissions }: Pick<Row, 'kind' | 'permissions'>): Permission[] =>
  kind === 'local'
    ? [...PERMISSIONS]
    : (permissions ?? []).flatMap((each) => permission.safeParse(each).data ?? [])
