import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { Sealer } from '../platform/crypto/sealer.ts'
import { TestDatabase } from '../platform/testing/test-database.ts'
import { CHECK_CONTEXT, ROOT_CONTEXT, rotateMasterKey, SEALED_COLUMNS } from './master-key.repository.ts'

/** Columns of bytes that hold no secret, or are the check itself. */
const NOT_SEALED = [
  'command.output_digest',
  'output_chunk.data',
  'playbook_collection_file.data',
  'master_key_check.sealed',
  'master_key_check.derivation_root',
]
const [first, second, third] = [1, 2, 3].map((byte) => Buffer.alloc(32, byte)) as [Buffer, Buffer, Buffer]
const self = { serverId: 'us' }
const now = new Date('2026-11-25T10:00:00Z')
const HOSTS = 1200

let test: TestDatabase
let hosts: string[]
beforeAll(async () => {
  test = await TestDatabase.open()
})
afterAll(() => test.close())
beforeEach(async () => {
  await test.empty('host', 'master_key_check', 'server_lease')
  const sealer = new Sealer(first)
  hosts = Array.from({ length: HOSTS }, () => randomUUID())
  await test.database.pool.query(
    `INSERT INTO host (id, name, address, ssh_port, ssh_user, labels, credential, state, state_since, created_at)
     SELECT id, 'host-' || id, '192.0.2.1', 22, 'root', '{}', credential, 'online', $3, $3
     FROM unnest($1::uuid[], $2::bytea[]) AS row (id, credential)`,
    [hosts, hosts.map((id) => Buffer.from(sealer.seal(`secret of ${id}`, `host/${id}/credential`))), now],
  )
  await test.database.pool.query('INSERT INTO master_key_check (id, sealed) VALUES (1, $1)', [
    Buffer.from(sealer.seal(CHECK_CONTEXT, CHECK_CONTEXT)),
  ])
})

/** How many hosts' credentials open with `key`, to what they were. */
async function opening(key: Buffer): Promise<number> {
  const sealer = new Sealer(key)
  const { rows } = await test.database.pool.query<{ id: string; credential: Buffer }>(
    'SELECT id, credential FROM host',
  )
  const isRight = ({ id, credential }: (typeof rows)[number]) => {
    try {
      return sealer.open(credential, `host/${id}/credential`) === `secret of ${id}`
    } catch {
      return false
    }
  }
  return rows.filter(isRight).length
}
const rotate = (oldKey: Buffer, newKey: Buffer) => rotateMasterKey(test.database, { oldKey, newKey }, self)

it('no sealed column is forgotten: every column of bytes is sealed anew or known to hold no secret', async () => {
  const { rows } = await test.database.pool.query<{ name: string }>(
    `SELECT table_name || '.' || column_name AS name FROM information_schema.columns
     WHERE table_schema = 'public' AND data_type = 'bytea'`,
  )
  const sealed = SEALED_COLUMNS.map(({ table, column }) => `${table}.${column}`)
  expect(rows.map(({ name }) => name).sort()).toEqual([...sealed, ...NOT_SEALED].sort())
})

it('afterwards everything opens with the new key and nothing with the old one', async () => {
  expect(await rotate(first, second)).toBe(HOSTS)
  expect([await opening(first), await opening(second)]).toEqual([0, HOSTS])
})

it('started again with the same two keys, or by two servers at once, it is done once', async () => {
  const both = await Promise.all([rotate(first, second), rotate(first, second)])
  expect(both.sort()).toEqual([HOSTS, null])
  expect(await rotate(first, second)).toBeNull()
  expect(await opening(second)).toBe(HOSTS)
})

it('a server that dies in the middle has changed nothing, and the next start finishes', async () => {
  // Of the last of the columns: all those before have been sealed anew by then.
  await test.database.pool.query(
    `INSERT INTO server_identity (id, certificate, private_key, pin, created_at) VALUES (1, '', 'broken', '', $1)`,
    [now],
  )
  await expect(rotate(first, second)).rejects.toMatchObject({ code: 'server.master_key_wrong' })
  expect([await opening(first), await opening(second)]).toEqual([HOSTS, 0])
  await test.empty('server_identity')
  expect(await rotate(first, second)).toBe(HOSTS)
})

it('a wrong old key is said to be one, and changes nothing', async () => {
  await expect(rotate(third, second)).rejects.toMatchObject({
    code: 'server.master_key_wrong',
    message: expect.stringContaining('ROLLCALL_OLD_MASTER_KEY'),
  })
  expect(await opening(first)).toBe(HOSTS)
})

it('a change of the master key is refused while another server still seals with the old one', async () => {
  await test.database.pool.query(
    `INSERT INTO server_lease (lease_owner, lease_until) VALUES ('us', now() + interval '5 s'), ('another', now() + interval '5 min')`,
  )
  await expect(rotate(first, second)).rejects.toMatchObject({ code: 'server.config_invalid' })
  expect(await opening(first)).toBe(HOSTS)
})

it('what was derived from the first key stays, so the audit log still verifies after two changes', async () => {
  await rotate(first, second)
  await rotate(second, third)
  const { rows } = await test.database.pool.query('SELECT derivation_root FROM master_key_check')
  const root = Buffer.from(new Sealer(third).open(rows[0].derivation_root, ROOT_CONTEXT), 'base64')
  expect(new Sealer(third, root).deriveKey('audit')).toEqual(new Sealer(first).deriveKey('audit'))
})
