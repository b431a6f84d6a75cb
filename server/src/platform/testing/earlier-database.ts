import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { applyMigrations } from '../prisma/migrator.ts'
import { MIGRATIONS } from './template-database.ts'
import type { TestDatabase } from './test-database.ts'

/** A database of its own as the release before a migration left it. */
export class EarlierDatabase implements AsyncDisposable {
  private constructor(
    readonly connection: pg.PoolConfig,
    readonly client: pg.Client,
    private readonly folder: string,
  ) {}

  /** Applies all migrations before the one whose folder ends in `migration`. Throws where there is none. */
  static async open(test: TestDatabase, migration: string): Promise<EarlierDatabase> {
    const names = (await readdir(MIGRATIONS)).sort()
    const at = names.findIndex((name) => name.endsWith(migration))
    if (at <= 0) throw new Error(`no migration after the first one ends in ${migration}`)
    const database = `before_${migration}`
    await test.database.pool.query(`CREATE DATABASE ${database}`)
    const connection = { ...test.connection, database }
    const folder = await mkdtemp(join(tmpdir(), 'rollcall-migrations-'))
    for (const name of [...names.slice(0, at), 'migration_lock.toml'])
      await cp(join(MIGRATIONS, name), join(folder, name), { recursive: true })
    await applyMigrations(connection, folder)
    const client = new pg.Client(connection)
    await client.connect()
    return new EarlierDatabase(connection, client, folder)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.end()
    await rm(this.folder, { recursive: true, force: true })
  }
}
