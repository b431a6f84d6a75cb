import { PrismaPg } from '@prisma/adapter-pg'
import { RollcallError } from '@rollcall/contracts'
import pg from 'pg'
import type { Logger } from 'pino'
import { PrismaClient } from './generated/client.ts'
import { applyMigrations } from './migrator.ts'
import { Sql } from './transaction.ts'

const MAX_CONNECTIONS = 20
const CONNECT_TIMEOUT_MS = 10_000
/** A database that vanished silently must not block leases until TCP gives up. */
const QUERY_TIMEOUT_MS = 60_000
/** Prisma's transactions have those of the pool's: a run of ten thousand hosts takes longer than its own five seconds. */
const TRANSACTION_LIMITS = { maxWait: CONNECT_TIMEOUT_MS, timeout: QUERY_TIMEOUT_MS }
/**
 * A server that hangs in a transaction would keep its locks from its successor; this is shorter than a takeover may
 * take.
 */
const IDLE_TRANSACTION_MS = 5000

/** Gives access to PostgreSQL: `prisma` by default, `query` and `execute` for SQL that Prisma cannot express. */
export class Database extends Sql {
  private constructor(
    readonly pool: pg.Pool,
    readonly prisma: PrismaClient,
    /** The connection settings, for the queue's own connections. */
    readonly connection: pg.PoolConfig,
  ) {
    super(pool)
  }

  /** Connects and applies missing migrations. Throws `server.database_unavailable`. */
  static async open(connection: pg.PoolConfig, migrations: string, log: Logger): Promise<Database> {
    try {
      const applied = await applyMigrations(connection, migrations, (warning) =>
        log.warn(`database migration: ${warning}`),
      )
      if (applied.length > 0) log.info(`database migrated: ${applied.join(', ')}`)
    } catch (cause) {
      throw new RollcallError(
        'server.database_unavailable',
        `Failed to prepare the database: ${(cause as Error).message}`,
        { cause },
      )
    }
    return Database.connect(connection, log)
  }

  /** Connects to a database that is migrated already. */
  static connect(connection: pg.PoolConfig, log: Logger): Database {
    const pool = new pg.Pool({
      keepAlive: true,
      query_timeout: QUERY_TIMEOUT_MS,
      idle_in_transaction_session_timeout: IDLE_TRANSACTION_MS,
      ...connection,
      max: MAX_CONNECTIONS,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    })
    // A dropped idle connection is replaced at the next query; without a listener its error would end the process.
    pool.on('error', (error) => log.warn({ err: error }, 'lost an idle database connection'))
    // A connection in use has no listener of the pool, and its error would end the process.
    pool.on('connect', (client) =>
      client.on('error', (error) => log.debug({ err: error }, 'lost a database connection in use')),
    )
    return new Database(
      pool,
      new PrismaClient({ adapter: new PrismaPg(pool), transactionOptions: TRANSACTION_LIMITS }),
      connection,
    )
  }

  /** Returns how many connections are open, how many of them are idle, and how many callers wait for one. */
  connections(): { open: number; idle: number; waiting: number } {
    const { totalCount: open, idleCount: idle, waitingCount: waiting } = this.pool
    return { open, idle, waiting }
  }

  async isUp(): Promise<boolean> {
    return this.query('SELECT 1').then(
      () => true,
      () => false,
    )
  }

  /** Runs `work` in a transaction, which is rolled back if `work` throws. */
  async transaction<T>(work: (transaction: Sql) => Promise<T>): Promise<T> {
    const client = await this.pool.connect()
    let failure: Error | undefined
    try {
      await client.query('BEGIN')
      const result = await work(new Sql(client))
      await client.query('COMMIT')
      return result
    } catch (error) {
      // A connection that cannot roll back is discarded.
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
