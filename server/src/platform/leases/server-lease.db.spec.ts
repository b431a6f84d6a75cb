import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { TestDatabase } from '../testing/test-database.ts'
import { isAcquirable, isExpired } from './lease.ts'
import { ServerLeaseRepository } from './server-lease.repository.ts'

let test: TestDatabase
let leases: ServerLeaseRepository
const query = (sql: string, values: unknown[] = []) => test.database.pool.query(sql, values)

beforeAll(async () => {
  test = await TestDatabase.open()
  leases = new ServerLeaseRepository(test.database)
  await query('CREATE TABLE work (id int PRIMARY KEY, lease_owner text)')
})
afterAll(() => test.close())
beforeEach(async () => {
  await test.empty('server_lease', 'work')
  await query('INSERT INTO work SELECT generate_series(1, 3)')
})

const A = 'server-a'
const B = 'server-b'
async function acquire(server: string, limit = 3): Promise<number[]> {
  const { rows } = await query(
    `WITH free AS (SELECT id FROM work WHERE ${isAcquirable('work', '$1')} ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED)
     UPDATE work SET lease_owner = $1 FROM free WHERE work.id = free.id RETURNING work.id`,
    [server, limit],
  )
  return rows.map(({ id }) => id).sort()
}
const expired = async () => (await query(`SELECT id FROM work WHERE ${isExpired('work')}`)).rows.length

it('a server keeps what it holds as long as its lease is renewed, and may acquire it again itself', async () => {
  await leases.renew(A)
  await leases.renew(B)
  expect(await acquire(A)).toEqual([1, 2, 3])
  expect(await acquire(B)).toEqual([])
  expect(await acquire(A)).toEqual([1, 2, 3])
  expect(await expired()).toBe(0)
})

it('what a dead server held is acquired by another one when the lease has expired, and not before', async () => {
  await leases.renew(A)
  await acquire(A)
  expect(await acquire(B)).toEqual([])
  await query(`UPDATE server_lease SET lease_until = now() - interval '1 ms'`)
  expect(await expired()).toBe(3)
  expect(await acquire(B)).toEqual([1, 2, 3])
})

it('what a stopped server held is free at once', async () => {
  await leases.renew(A)
  await acquire(A)
  await leases.release(A)
  expect(await acquire(B)).toEqual([1, 2, 3])
})

it('two servers that acquire at one moment never get one row both', async () => {
  await leases.renew(A)
  await leases.renew(B)
  for (let round = 0; round < 20; round++) {
    await query('UPDATE work SET lease_owner = NULL')
    const [ofA = [], ofB = []] = await Promise.all([acquire(A, 2), acquire(B, 2)])
    expect(ofA.filter((id) => ofB.includes(id))).toEqual([])
  }
})

it('servers that have been gone for a day are forgotten, and their work stays free', async () => {
  await leases.renew(A)
  await acquire(A)
  await query(`UPDATE server_lease SET lease_until = now() - interval '25 hours'`)
  await leases.renew(B)
  await leases.release(B)
  expect((await query('SELECT lease_owner FROM server_lease')).rows).toEqual([{ lease_owner: B }])
  expect(await expired()).toBe(3)
})
