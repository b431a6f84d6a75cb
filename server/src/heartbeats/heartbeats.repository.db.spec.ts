import { randomUUID } from 'node:crypto'
import { type CommandKind, commandKind, type FinalState } from '@rollcall/contracts/admin'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TestDatabase } from '../platform/testing/test-database.ts'
import { addTestHost } from '../platform/testing/test-hosts.ts'
import { COUNT_TASKS, HeartbeatsRepository } from './heartbeats.repository.ts'

let test: TestDatabase
let heartbeats: HeartbeatsRepository

beforeAll(async () => {
  test = await TestDatabase.open()
  heartbeats = new HeartbeatsRepository(test.database)
})
afterAll(() => test.close())

const FAR = new Date('2030-01-01T00:00:00Z')
const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute))

async function addHost(): Promise<string> {
  const name = `host-${randomUUID()}`
  await addTestHost(test.database, { name, at: at(0) })
  const { id } = await test.database.prisma.host.findUniqueOrThrow({ where: { name } })
  await test.database.pool.query(
    'INSERT INTO roll (host_id, due_at, min_ms, max_ms, updated_at) VALUES ($1, $2, 30000, 60000, $2)',
    [id, FAR],
  )
  return id
}
const toRow = (hostId: string) => test.database.prisma.roll.findUniqueOrThrow({ where: { hostId } })
interface Ended {
  hostId: string
  kind?: CommandKind
  state: FinalState
  at: Date
}
/** Counts commands as if they had ended in one statement. */
const count = (ended: readonly Ended[]) =>
  test.database.execute(
    `WITH ended AS (
       SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[]) AS ended(host_id, kind, state, at)
     ), ${COUNT_TASKS} SELECT 1`,
    [
      ended.map(({ hostId }) => hostId),
      ended.map(({ kind = 'command' }) => kind),
      ended.map(({ state }) => state),
      ended.map(({ at }) => at),
    ],
  )

describe('counting the commands of a host that failed in a row', () => {
  it('failed commands of a host add up until one succeeds, and the last failure is dated', async () => {
    const hostId = await addHost()
    await count([
      { hostId, state: 'failed', at: at(0) },
      { hostId, state: 'timed_out', at: at(1) },
    ])
    await count([{ hostId, state: 'failed', at: at(2) }])
    expect(await toRow(hostId)).toMatchObject({ failedTasks: 3, failedTaskAt: at(2) })
    await count([{ hostId, state: 'success', at: at(3) }])
    expect(await toRow(hostId)).toMatchObject({ failedTasks: 0, failedTaskAt: at(2) })
    await count([
      { hostId, state: 'success', at: at(3) },
      { hostId, state: 'failed', at: at(4) },
    ])
    expect(await toRow(hostId)).toMatchObject({ failedTasks: 1, failedTaskAt: at(4) })
  })

  it('a count is dated by the command that ended last', async () => {
    const hostId = await addHost()
    await count([
      { hostId, state: 'failed', at: at(7) },
      { hostId, state: 'success', at: at(9) },
      { hostId, state: 'failed', at: at(8) },
    ])
    expect(await toRow(hostId)).toMatchObject({ failedTasks: 2, failedTaskAt: at(9) })
  })

  it('failures of several hosts are counted at once, each its own, and a host that left the fleet is skipped', async () => {
    const [failing, well] = [await addHost(), await addHost()]
    await count([
      { hostId: failing, state: 'failed', at: at(1) },
      { hostId: well, state: 'success', at: at(1) },
      { hostId: randomUUID(), state: 'failed', at: at(1) },
    ])
    expect(await toRow(failing)).toMatchObject({ failedTasks: 1 })
    expect(await toRow(well)).toMatchObject({ failedTasks: 0, failedTaskAt: null })
  })

  it('cancelled and lost commands, installations and steps of instances do not count', async () => {
    const hostId = await addHost()
    await count([{ hostId, state: 'failed', at: at(1) }])
    const kinds = commandKind.options.filter((kind) => kind !== 'command')
    await count([
      { hostId, state: 'cancelled', at: at(2) },
      { hostId, state: 'lost', at: at(2) },
      ...kinds.flatMap((kind): Ended[] => [
        { hostId, kind, state: 'failed', at: at(2) },
        { hostId, kind, state: 'success', at: at(2) },
      ]),
    ])
    expect(await toRow(hostId)).toMatchObject({ failedTasks: 1, failedTaskAt: at(1) })
  })
})

describe('a heartbeat that is requested', () => {
  it('a request for a heartbeat makes its host due now, and no other', async () => {
    const [wanted, other] = [await addHost(), await addHost()]
    await heartbeats.makeDue(wanted, at(5))
    expect((await toRow(wanted)).dueAt).toEqual(at(5))
    expect((await toRow(other)).dueAt).toEqual(FAR)
  })
})

it('a host counts as silent from its first unanswered heartbeat on, and one that was never called does not', async () => {
  const hostId = await addHost()
  expect(await heartbeats.isSilent(hostId)).toBe(false)
  await test.database.prisma.roll.update({ where: { hostId }, data: { silentSince: at(1) } })
  expect(await heartbeats.isSilent(hostId)).toBe(true)
  expect(await heartbeats.isSilent(randomUUID())).toBe(false)
})
