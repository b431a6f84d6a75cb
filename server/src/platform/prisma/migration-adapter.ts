import { randomUUID } from 'node:crypto'
import { PrismaPg } from '@prisma/adapter-pg'
import type { SqlMigrationAwareDriverAdapterFactory } from '@prisma/driver-adapter-utils'
import pg from 'pg'

/** Catalogue types that adapter-pg refuses though the schema engine's own queries return them, and the type to read them as. */
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

/** One connection, since the schema engine's advisory lock belongs to a session. */
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
 * adapter-pg made fit for migrations. Out of the box it refuses types that the schema engine's catalogue queries
 * return, splits scripts at every semicolon, and would use the main database as the shadow database.
 */
export class MigrationAdapter {
  readonly provider = 'postgres'
  readonly adapterName = '@prisma/adapter-pg'

  private readonly pools = new Set<pg.Pool>()

  constructor(
    private readonly connection: pg.PoolConfig,
    private readonly onWarning: (message: string) => void,
  ) {}

  /** Ends every connection, and with them the advisory lock that the engine leaves in its session. */
  async close(): Promise<void> {
    await Promise.all([...this.pools].map((pool) => this.end(pool)))
  }

  connect() {
    return this.open(this.connection)
  }

  async connectToShadowDb() {
    const database = `prisma_migrate_shadow_db_${randomUUID()}`
    await this.administer(`CREATE DATABASE "${database}" TEMPLATE template0`)
    return this.open({ ...this.connection, database }, () =>
      this.administer(`DROP DATABASE IF EXISTS "${database}" WITH (FORCE)`),
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
      // One statement list in one round trip. onError turns a database error into the engine's own kind.
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

  private async administer(sql: string): Promise<void> {
    const client = new pg.Client(this.connection)
    await client.connect()
    try {
      await client.query(sql)
    } finally {
      await client.end()
    }
  }
}

/** The type that the schema engine takes; the class has no more of it than the engine calls. */
export const asAdapterFactory = (adapter: MigrationAdapter) =>
  adapter as unknown as SqlMigrationAwareDriverAdapterFactory
