import { PrismaPg } from '@prisma/adapter-pg'
import { RollcallError } from '@rollcall/contracts'
import pg from 'pg'
import type { Logger } from 'pino'
import { PrismaClient } from './generated/client.ts'
import { applyMigrations } from './migrator.ts'

const MAX_CONNECTIONS = 20
const CONNECT_TIMEOUT_MS = 10_000
/** A database that vanished without a word must not hold up leases until TCP gives up. */
const QUERY_TIMEOUT_MS = 60_000
/**
 * A server that stands still in the middle of a transaction, or whose machine lost its power, would keep what it has
 * locked from the one that takes over. Shorter than what taking over may take.
 */
const IDLE_TRANSACTION_MS = 5000

/** The one way to PostgreSQL: `prisma` for most, `pool` for the few statements that run for every piece of output. */
export class Database {
  private constructor(
    readonly pool: pg.Pool,
    readonly prisma: PrismaClient,
    /** How to connect, for the queue's own connections. */
    readonly connection: pg.PoolConfig,
  ) {}

  /** Connects and applies the migrations that are missing. Throws `server.database_unavailable`. */
  static async open(connection: pg.PoolConfig, migrations: string, log: Logger): Promise<Database> {
    try {
      const applied = await applyMigrations(connection, migrations, (warning) =>
        log.warn(`database migration: ${warning}`),
      )
      if (applied.length > 0) log.info(`database migrated: ${applied.join(', ')}`)
    } catch (cause) {
      throw new RollcallError(
        'server.database_unavailable',
        `The database could not be prepared: ${(cause as Error).message}`,
        { cause },
      )
    }
    const pool = new pg.Pool({
      keepAlive: true,
      query_timeout: QUERY_TIMEOUT_MS,
      idle_in_transaction_session_timeout: IDLE_TRANSACTION_MS,
      ...connection,
      max: MAX_CONNECTIONS,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    })
    // A dropped idle connection is replaced at the next query; without a listener it would end the process.
    pool.on('error', (error) => log.warn({ err: error }, 'a database connection was dropped'))
    // A connection that is lent out has no listener of the pool's, and its loss would end the process.
    pool.on('connect', (client) =>
      client.on('error', (error) => log.debug({ err: error }, 'a database connection in use was dropped')),
    )
    return new Database(pool, new PrismaClient({ adapter: new PrismaPg(pool) }), connection)
  }

  /** Tells how many connections of the pool are open, how many of them idle, and how many callers wait for one. */
  connections(): { open: number; idle: number; waiting: number } {
    const { totalCount: open, idleCount: idle, waitingCount: waiting } = this.pool
    return { open, idle, waiting }
  }

  async isUp(): Promise<boolean> {
    return this.pool.query('SELECT 1').then(
      () => true,
      () => false,
    )
  }

  /** Statements that are committed together when `work` resolves, or not at all. */
  async transaction<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await this.pool.connect()
    let failure: Error | undefined
    try {
      await client.query('BEGIN')
      const result = await work(client)
      await client.query('COMMIT')
      return result
    } catch (error) {
      // A connection that cannot even roll back is not given to anybody else.
      await client.query('ROLLBACK').catch((broken: Error) => {
        failure = broken
      })
      throw error
    } finally {
      client.release(failure)
    }
  }

  async close(): Promise<void> {
    await this.prisma.$disconnect()
    await this.pool.end()
  }
}
