import { randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { TestDatabase } from '../platform/testing/test-database.ts'

const MIGRATIONS = fileURLToPath(new URL('../../../prisma/migrations/', import.meta.url))

let test: TestDatabase
beforeAll(async () => {
  test = await TestDatabase.open()
})
afterAll(() => test.close())

const query = (sql: string, values: unknown[] = []) => test.database.pool.query(sql, values)

async function user(name: string): Promise<string> {
  const id = randomUUID()
  await query(
    `INSERT INTO app_user (id, email, name, role, created_at) VALUES ($1, $2, $3, 'admin', now())`,
    [id, `${id}@example.com`, name],
  )
  return id
}

/** As a release that knew no owners has stored it. */
async function key(name: string, createdBy: string | null, age: number, kind = 'key'): Promise<string> {
  const id = randomUUID()
  await query(
    `INSERT INTO api_key (id, name, kind, hash, permissions, created_by, created_at)
     VALUES ($1, $2, $3, $4, '{hosts:read}', $5, now() - make_interval(days => $6))`,
    [id, name, kind, id, createdBy, age],
  )
  return id
}

/** Runs the statements of the migration that give keys their owners. */
async function giveOwners(): Promise<void> {
  const folder = (await readdir(MIGRATIONS)).find((name) => name.endsWith('_key_owners')) ?? ''
  const sql = await readFile(`${MIGRATIONS}${folder}/migration.sql`, 'utf8')
  const statements = sql.split(/;\n/).map((text) => text.replace(/^(\s*--.*\n|\s*\n)*/, ''))
  const giving = statements.filter((text) => /^(UPDATE|WITH)/.test(text))
  expect(giving).toHaveLength(3)
  for (const statement of giving) await query(statement)
}

it('the migration gives a key without an owner the one user or key of its name, and no other', async () => {
  const ada = await user('Ada')
  await user('Twin')
  await user('Twin')
  await user('both')
  const local = await key('local-1', null, 9, 'local')
  const ofAda = await key('of-ada', 'Ada', 8)
  const ofKey = await key('of-key', 'of-ada', 7)
  const ofKeyOfKey = await key('of-key-of-key', 'of-key', 6)
  const ofServer = await key('of-server', 'local-1', 5)
  await key('both', 'Ada', 5)
  await key('later', 'Ada', 3)
  // A key cannot have been made by one that came later.
  const doubtful = await Promise.all([
    key('of-twin', 'Twin', 4),
    key('of-both', 'both', 4),
    key('of-nobody', 'Gone', 4),
    key('of-later', 'later', 4),
  ])
  await giveOwners()
  const ownersOf = async (id: string) =>
    (await query('SELECT owner_id AS owner, parent_id AS parent FROM api_key WHERE id = $1', [id])).rows[0]
  expect(await ownersOf(ofAda)).toEqual({ owner: ada, parent: null })
  expect(await ownersOf(ofKey)).toEqual({ owner: ada, parent: ofAda })
  expect(await ownersOf(ofKeyOfKey)).toEqual({ owner: ada, parent: ofKey })
  expect(await ownersOf(ofServer)).toEqual({ owner: null, parent: local })
  for (const id of doubtful) expect(await ownersOf(id)).toEqual({ owner: null, parent: null })
})
