import { readdir } from 'node:fs/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { MIGRATIONS } from '../testing/template-database.ts'
import { TestDatabase } from '../testing/test-database.ts'
import { applyMigrations } from './migrator.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await TestDatabase.open()
})
afterAll(() => test.close())

it('migrations that are applied already are not applied again, even by two servers at once', async () => {
  expect(
    await Promise.all([
      applyMigrations(test.connection, MIGRATIONS),
      applyMigrations(test.connection, MIGRATIONS),
    ]),
  ).toEqual([[], []])
})

it('the table of migrations is what the Prisma command line expects', async () => {
  const { rows } = await test.database.pool.query(
    'SELECT migration_name, finished_at IS NOT NULL AS finished, applied_steps_count, length(checksum) AS checksum FROM _prisma_migrations ORDER BY migration_name',
  )
  const names = (await readdir(MIGRATIONS, { withFileTypes: true })).flatMap((entry) =>
    entry.isDirectory() ? [entry.name] : [],
  )
  expect(rows).toEqual(
    names
      .sort()
      .map((migration_name) => ({ migration_name, finished: true, applied_steps_count: 1, checksum: 64 })),
  )
})

it('what Prisma reads and writes exists: the schema and the migrations agree', async () => {
  const { prisma } = test.database
  for (const model of [
    'host',
    'agent',
    'run',
    'command',
    'outputChunk',
    'apiKey',
    'serverIdentity',
    'masterKeyCheck',
  ] as const)
    expect(await (prisma[model] as { findMany(): Promise<unknown[]> }).findMany(), model).toEqual([])
})

it('SQL returns the rows that it reads and how many it changes, and a missing row is a defect only where one is required', async () => {
  const { database } = test
  await database.execute("INSERT INTO heartbeat_profile VALUES ('typed', 1000, 2000)")
  const read = (name: string) =>
    [`SELECT name AS id, min_ms AS "minMs" FROM heartbeat_profile WHERE name = $1`, [name]] as const
  expect(await database.query<{ minMs: number }>(...read('typed'))).toEqual([{ id: 'typed', minMs: 1000 }])
  expect(await database.ids(...read('typed'))).toEqual(['typed'])
  expect(await database.first(...read('none'))).toBeNull()
  await expect(database.one(...read('none'))).rejects.toMatchObject({ code: 'server.defect' })
  expect(await database.execute("DELETE FROM heartbeat_profile WHERE name = 'typed'")).toBe(1)
})

it('what a server that stands still in a transaction has locked is free again within seconds', async () => {
  const { database } = test
  await database.pool.query("INSERT INTO heartbeat_profile VALUES ('frozen', 1000, 1000)")
  const isLocked = async () => {
    const { rows } = await database.pool.query(
      "SELECT name FROM heartbeat_profile WHERE name = 'frozen' FOR UPDATE SKIP LOCKED",
    )
    return rows.length === 0
  }
  const frozen = database.transaction(async (client) => {
    await client.query("SELECT FROM heartbeat_profile WHERE name = 'frozen' FOR UPDATE")
    expect(await isLocked()).toBe(true)
    await expect.poll(isLocked, { timeout: 10_000 }).toBe(false)
    await client.query('SELECT 1')
  })
  await expect(frozen).rejects.toThrow()
  expect(await database.isUp()).toBe(true)
  await database.pool.query("DELETE FROM heartbeat_profile WHERE name = 'frozen'")
})
