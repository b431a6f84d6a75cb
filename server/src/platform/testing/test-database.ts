import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type pg from 'pg'
import pino from 'pino'
import { EmbeddedPostgres } from '../postgres/embedded-postgres.ts'
import { Database } from '../prisma/database.ts'

export const MIGRATIONS = fileURLToPath(new URL('../../../../prisma/migrations', import.meta.url))

/** A real, empty, migrated database for a spec, on a PostgreSQL of its own. */
export class TestDatabase {
  private constructor(
    readonly database: Database,
    readonly connection: pg.PoolConfig,
    readonly postgres: EmbeddedPostgres,
    private readonly folder: string,
  ) {}

  static async open(): Promise<TestDatabase> {
    const folder = await mkdtemp(join(tmpdir(), 'rollcall-db-'))
    await chmod(folder, 0o711)
    const log = pino({ level: 'silent' })
    const postgres = new EmbeddedPostgres(join(folder, 'postgres'), log)
    const connection = await postgres.start()
    return new TestDatabase(await Database.open(connection, MIGRATIONS, log), connection, postgres, folder)
  }

  async close(): Promise<void> {
    await this.database.close()
    await this.postgres.stop()
    await rm(this.folder, { recursive: true, force: true })
  }
}
