import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { TestDatabase } from '../platform/testing/test-database.ts'
import { HeartbeatsRepository } from './heartbeats.repository.ts'

let test: TestDatabase
let rows: HeartbeatsRepository
beforeAll(async () => {
  test = await TestDatabase.open()
  rows = new HeartbeatsRepository(test.database)
})
afterAll(() => test.close())
beforeEach(() => test.empty('host'))

const now = new Date('2026-11-21T10:00:00Z')
const later = new Date('2026-11-21T10:05:00Z')

async function silent(change: { state?: string; owner?: string; isAllowed?: boolean; rounds?: number } = {}) {
  const id = randomUUID()
  await test.database.pool.query(
    `INSERT INTO host (id, name, address, ssh_port, ssh_user, labels, credential, state, state_since, created_at, auto_reinstall)
     VALUES ($1, $2, '192.0.2.1', 22, 'root', '{}', '', $3, $4, $4, $5)`,
    [id, `host-${id}`, change.state ?? 'offline', now, change.isAllowed ?? true],
  )
  await test.database.pool.query(
    `INSERT INTO roll (host_id, lease_owner, due_at, min_ms, max_ms, failed_rounds, updated_at)
     VALUES ($1, $2, $3, 20000, 60000, $4, $3)`,
    [id, change.owner ?? 'us', now, change.rounds ?? 3],
  )
  return id
}
const due = async (at = now, maxInstalling = 10) =>
  (await rows.silentHosts('us', at, { failedRounds: 3, limit: 10, maxInstalling })).map(
    ({ hostId }) => hostId,
  )
const plan = (hostId: string, isReinstalling: boolean, notBefore: Date | null = null) =>
  rows.planReinstall('us', { hostId, notBefore }, later, isReinstalling)

it('none but a silent host of ours is taken, and none that answers as something else or that a person has excepted', async () => {
  const ours = await silent()
  await silent({ owner: 'another' })
  await silent({ isAllowed: false })
  await silent({ rounds: 2 })
  for (const state of ['online', 'credentials_refused', 'identity_changed', 'installing'])
    await silent({ state })
  expect(await due()).toEqual([ours])
  await plan(ours, false)
  expect(await due()).toEqual([])
  expect(await due(later)).toEqual([ours])
})

it('a silent host waits while as many of the fleet as allowed are being installed', async () => {
  const ours = await silent()
  await silent({ state: 'installing' })
  expect(await due(now, 1)).toEqual([])
  expect(await due(now, 2)).toEqual([ours])
})

it.each([
  ['answered', "UPDATE host SET state = 'online'"],
  ['was excepted', 'UPDATE host SET auto_reinstall = false'],
  ['left the fleet', 'DELETE FROM host'],
])('a host that %s while SSH was tried is not installed again', async (_what, change) => {
  const id = await silent()
  await test.database.pool.query(change)
  expect(await plan(id, true)).toBe(false)
})

it('each installation that nobody asked for is counted, for the pause until the next', async () => {
  const id = await silent()
  expect([await plan(id, true), await plan(id, false, later)]).toEqual([true, true])
  const [row] = (await test.database.pool.query('SELECT reinstalls, reinstall_at FROM roll')).rows
  expect(row).toEqual({ reinstalls: 1, reinstall_at: later })
})

it('a host whose agent another server has acquired meanwhile is not installed again by this one', async () => {
  const id = await silent()
  await test.database.pool.query("UPDATE roll SET lease_owner = 'another'")
  expect(await plan(id, true)).toBe(false)
})

it('only one of two simultaneous attempts reinstalls an agent', async () => {
  const id = await silent()
  expect([await plan(id, true), await plan(id, true)]).toEqual([true, false])
})
