import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { applyMigrations } from '../prisma/migrator.ts'
import { EarlierDatabase } from '../testing/earlier-database.ts'
import { MIGRATIONS } from '../testing/template-database.ts'
import { TestDatabase } from '../testing/test-database.ts'

const FIRST = 'one_lease'

let test: TestDatabase
let earlier: EarlierDatabase
let client: pg.Client
let connection: pg.PoolConfig

beforeAll(async () => {
  test = await TestDatabase.open()
  earlier = await EarlierDatabase.open(test, FIRST)
  client = earlier.client
  connection = earlier.connection
})
afterAll(async () => {
  await earlier?.[Symbol.asyncDispose]()
  await test?.close()
})

it('a database of the release before keeps which server works on what', async () => {
  const [host, transfer, open, ended] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()]
  await client.query("INSERT INTO server_lease (id, lease_until) VALUES ('a', now())")
  await client.query(
    `INSERT INTO host (id, name, address, ssh_port, ssh_user, labels, credential, state, state_since, created_at)
     VALUES ($1, 'web', 'a', 22, 'root', '{}', '', 'online', now(), now())`,
    [host],
  )
  await client.query(
    "INSERT INTO roll (host_id, owner, due_at, min_ms, max_ms, updated_at) VALUES ($1, 'a', now(), 1, 1, now())",
    [host],
  )
  await client.query(
    `INSERT INTO transfer (id, body_hash, server_id, kind, content, destination, make_parents, requested_by, created_at)
     VALUES ($1, '', 'a', 'file', '', '/x', false, 'x', now())`,
    [transfer],
  )
  for (const [id, endedAt] of [
    [open, null],
    [ended, new Date()],
  ])
    await client.query(
      `INSERT INTO transfer_host (id, transfer_id, host_id, host_name, state, next_attempt_at, ended_at)
       VALUES ($1, $2, $3, 'web', 'running', now(), $4)`,
      [id, transfer, host, endedAt],
    )

  await applyMigrations(connection, MIGRATIONS)

  const owner = async (sql: string, id: string) => (await client.query(sql, [id])).rows[0]?.lease_owner
  expect(await owner('SELECT lease_owner FROM server_lease WHERE lease_owner = $1', 'a')).toBe('a')
  expect(await owner('SELECT lease_owner FROM roll WHERE host_id = $1', host)).toBe('a')
  expect(await owner('SELECT lease_owner FROM transfer_host WHERE id = $1', open)).toBe('a')
  expect(await owner('SELECT lease_owner FROM transfer_host WHERE id = $1', ended)).toBeNull()
})
