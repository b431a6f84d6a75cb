import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type pg from 'pg'
import pino from 'pino'
import type { ProvidedContext } from 'vitest'
import type { TestProject } from 'vitest/node'
import { EmbeddedPostgres } from '../platform/postgres/embedded-postgres.ts'
import { Database } from '../platform/prisma/database.ts'
import { inDatabase, MIGRATIONS, TEMPLATE } from '../platform/testing/template-database.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The connection to the PostgreSQL that all database specs share. */
    postgres: Pick<pg.PoolConfig, 'host' | 'user' | 'password' | 'database'>
  }
}

/** Nobody needs the databases of specs after a power loss, and waiting for the disk takes long. */
const WITHOUT_DURABILITY = ['fsync = off', 'synchronous_commit = off', 'full_page_writes = off']

/** Starts one PostgreSQL with a migrated template database for all database specs. Returns a function that stops it. */
export default async function sharePostgres(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-db-'))
  await chmod(folder, 0o711)
  const log = pino({ level: 'silent' })
  const postgres = new EmbeddedPostgres(join(folder, 'postgres'), log)
  const remove = async () => {
    await postgres.stop()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    project.provide('postgres', await prepareTemplate(postgres, log))
  } catch (error) {
    await remove()
    throw error
  }
  return remove
}

/** Starts the PostgreSQL and migrates its template database. Returns the connection that specs get. */
async function prepareTemplate(
  postgres: EmbeddedPostgres,
  log: pino.Logger,
): Promise<ProvidedContext['postgres']> {
  const connection = await postgres.start()
  await inDatabase(connection, async (client) => {
    for (const setting of WITHOUT_DURABILITY) await client.query(`ALTER SYSTEM SET ${setting}`)
    await client.query('SELECT pg_reload_conf()')
    await client.query(`CREATE DATABASE ${TEMPLATE}`)
  })
  const template = await Database.open({ ...connection, database: TEMPLATE }, MIGRATIONS, log)
  await template.close()
  const { host, user, password, database } = connection
  if (typeof password !== 'string') throw new Error('the embedded PostgreSQL is signed in to by a password')
  return {
    ...(host !== undefined && { host }),
    ...(user !== undefined && { user }),
    ...(database !== undefined && { database }),
    password,
  }
}
