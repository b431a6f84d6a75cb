import { randomUUID } from 'node:crypto'
import { PrismaPg } from '@prisma/adapter-pg'
import type { SqlMigrationAwareDriverAdapterFactory } from '@prisma/driver-adapter-utils'
import pg from 'pg'

/**
 * Catalogue types that adapter-pg refuses although the schema engine's queries return them, mapped to the type to read
 * them as.
 */
const READ_AS = new Map([
  [18, 25], // "char" as text
  [19, 25], // name as text
  [1002, 1009],
  [1003, 1009],
  [2205, 25], // regclass as text
  [2206, 25],
  [22, 1009], // int2vector as text[]
  [30, 1009], // oidvector as text[]
])

type Query = (
  ...args: unknown[]
) => Promise<{ fields?: { dataTypeID: number }[] } | { fields?: { dataTypeID: number }[] }[]>

function withReadableTypes(query: Query): Query {
  return async function (this: unknown, ...args) {
    const answer = await query.apply(this, args)
    for (const result of [answer].flat())
      for (const field of result?.fields ?? [])
        field.dataTypeID = READ_AS.get(field.dataTypeID) ?? field.dataTypeID
    return answer
  }
}

/** Uses one connection, because the schema engine's advisory lock belongs to a session. */
function migrationPool(connection: pg.PoolConfig): pg.Pool {
  const pool = new pg.Pool({ ...connection, max: 1 })
  const patched = new WeakSet<object>()
  pool.query = withReadableTypes(pool.query as never) as never
  const connect = pool.connect.bind(pool) as () => Promise<pg.PoolClient>
  pool.connect = (async (callback?: (...args: never[]) => void) => {
    if (callback) return (pg.Pool.prototype.connect as (cb: unknown) => void).call(pool, callback)
    const client = await connect()
    if (!patched.has(client)) {
      client.query = withReadableTypes(client.query as never) as never
      patched.add(client)
    }
    return client
  }) as never
  return pool
}

/**
 * Adapts adapter-pg to migrations: it otherwise refuses types of the schema engine's catalogue queries, splits scripts
 * at every semicolon, and would use the main database as the shadow database.
 */
export class MigrationAdapter {
  readonly provider = 'postgres'
  readonly adapterName = '@prisma/adapter-pg'

  private readonly pools = new Set<pg.Pool>()

  constructor(
    private readonly connection: pg.PoolConfig,
    private readonly onWarning: (message: string) => void,
  ) {}

  /** Ends every connection and thus releases the engine's advisory lock. */
  async close(): Promise<void> {
    await Promise.all([...this.pools].map((pool) => this.end(pool)))
  }

  connect() {
    return this.open(this.connection)
  }

  async connectToShadowDb() {
    const database = `prisma_migrate_shadow_db_${randomUUID()}`
    await this.execute(`CREATE DATABASE "${database}" TEMPLATE template0`)
    return this.open({ ...this.connection, database }, () =>
      this.execute(`DROP DATABASE IF EXISTS "${database}" WITH (FORCE)`),
    )
  }

  private async open(connection: pg.PoolConfig, onDispose?: () => Promise<void>) {
    const pool = migrationPool(connection)
    pool.on('connect', (client) =>
      client.on('notice', ({ severity, message }) => {
        if (severity === 'WARNING') this.onWarning(message ?? '')
      }),
    )
    this.pools.add(pool)
    const adapter = await new PrismaPg(pool).connect()
    adapter.executeScript = async (script) => {
      // Sends the script in one round trip. `onError` converts a database error to the engine's own kind.
      await pool
        .query(script)
        .catch((error) => (adapter as unknown as { onError(error: unknown): never }).onError(error))
    }
    adapter.dispose = async () => {
      await this.end(pool)
      await onDispose?.()
    }
    return adapter
  }

  private async end(pool: pg.Pool): Promise<void> {
    if (this.pools.delete(pool)) await pool.end()
  }

  private async execute(sql: string): Promise<void> {
    const client = new pg.Client(this.connection)
    await client.connect()
    try {
      await client.query(sql)
    } finally {
      await client.end()
    }
  }
}

/** Casts to the type that the schema engine expects; the class implements only what the engine calls. */
export const asAdapterFactory = (adapter: MigrationAdapter) =>
  adapter as unknown as SqlMigrationAwareDriverAdapterFactory
