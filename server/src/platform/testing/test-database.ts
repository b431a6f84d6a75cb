import { randomUUID } from 'node:crypto'
import pRetry from 'p-retry'
import type pg from 'pg'
import pino from 'pino'
import { inject } from 'vitest'
import { Database } from '../prisma/database.ts'
import { inDatabase, TEMPLATE } from './template-database.ts'

/** Shorter than the second after which PostgreSQL looks for a deadlock and ends one of the two. */
const LOCK_TIMEOUT_MS = 200
const NOT_AVAILABLE = '55P03'

/** A real, empty, migrated database for a spec, on the PostgreSQL shared by all specs. */
export class TestDatabase {
  private constructor(
    readonly database: Database,
    readonly connection: pg.PoolConfig,
    private readonly name: string,
  ) {}

  static async open(): Promise<TestDatabase> {
    const shared = inject('postgres')
    const name = `spec_${randomUUID().replaceAll('-', '')}`
    await inDatabase(shared, (client) => client.query(`CREATE DATABASE ${name} TEMPLATE ${TEMPLATE}`))
    const connection = { ...shared, database: name }
    return new TestDatabase(Database.connect(connection, pino({ level: 'silent' })), connection, name)
  }

  /** Empties `tables` and those that refer to them. Gives way to what a server that runs beside the spec still does with them. */
  async empty(...tables: string[]): Promise<void> {
    const { pool } = this.database
    // One query of two statements is one transaction.
    const sql = `SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}; TRUNCATE ${tables.join(', ')} CASCADE`
    await pRetry(() => pool.query(sql), {
      retries: 50,
      factor: 1,
      minTimeout: 20,
      shouldRetry: ({ error }) => (error as { code?: string }).code === NOT_AVAILABLE,
    })
  }

  async close(): Promise<void> {
    await this.database.close()
    await inDatabase(inject('postgres'), (client) => client.query(`DROP DATABASE ${this.name} WITH (FORCE)`))
  }
}
