import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import pino from 'pino'
import { inject } from 'vitest'
import { Database } from '../prisma/database.ts'
import { inDatabase, TEMPLATE } from './template-database.ts'

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

  async close(): Promise<void> {
    await this.database.close()
    await inDatabase(inject('postgres'), (client) => client.query(`DROP DATABASE ${this.name} WITH (FORCE)`))
  }
}
