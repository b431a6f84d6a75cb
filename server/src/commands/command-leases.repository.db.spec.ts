import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ServerLeaseRepository } from '../platform/leases/server-lease.repository.ts'
import { CommandLeasesRepository } from './command-leases.repository.ts'
import { StoredCommands } from './testing/stored-commands.ts'

const ME = 'server-a'
const OTHER = 'server-b'
const now = () => new Date()

let stored: StoredCommands
beforeAll(async () => {
  stored = await StoredCommands.open()
})
afterAll(() => stored.close())

describe('acquiring the lease of a command', () => {
  it('a lease is given to one of many servers that ask at the same moment', async () => {
    const { id } = await stored.add()
    const leases = new ServerLeaseRepository(stored.test.database)
    for (let i = 0; i < 10; i++) await leases.renew(`server-${i}`)
    const acquired = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        new CommandLeasesRepository(stored.test.database, stored.commands).acquire(id, `server-${i}`, now()),
      ),
    )
    expect(acquired.filter((command) => command !== null)).toHaveLength(1)
  })

  it('an attempt is stored before it is made, so that a crash right after counts as "may have started"', async () => {
    const { id } = await stored.add()
    expect(await stored.leases.acquire(id, ME, now())).toMatchObject({ isFirstAttempt: true })
    expect((await stored.commands.find(id))?.dispatchedAt).toBeInstanceOf(Date)
    expect(await stored.leases.acquire(id, ME, now())).toMatchObject({ isFirstAttempt: false })
  })

  it('a late command is not marked as tried', async () => {
    const late = await stored.add({ createdAt: new Date(Date.now() - 120_000) })
    expect(await stored.leases.acquire(late.id, ME, now())).toMatchObject({ dispatchedAt: null })
  })

  it('a command of a dead server goes to another one, and not before the lease has expired', async () => {
    const { id } = await stored.addLeased(ME)
    expect(await stored.leases.acquire(id, OTHER, now())).toBeNull()
    expect(await stored.leases.due(OTHER, now(), 10, [])).not.toContain(id)
    await stored.expireLease(id)
    expect(await stored.leases.due(OTHER, now(), 10, [])).toContain(id)
    expect(await stored.leases.acquire(id, OTHER, now())).toMatchObject({ id })
  })

  it('a restarted server finds at once the commands that it held', async () => {
    const { id } = await stored.addLeased(ME)
    expect(await stored.leases.due(ME, now(), 1000, [])).toContain(id)
    expect(await stored.leases.due(ME, now(), 1000, [id])).not.toContain(id)
  })
})

describe('releasing the lease of a command', () => {
  const wait = { unansweredSince: now(), reasonCode: 'agent.unreachable', reason: 'away' }

  it('a command whose attempt did nothing is released as one that was never tried, so that cancelling ends it at once', async () => {
    const { id } = await stored.addLeased(ME)
    await stored.leases.release(id, ME, { ...wait, until: now(), notStarted: true })
    expect((await stored.commands.find(id))?.dispatchedAt).toBeNull()
    expect(await stored.leases.acquire(id, OTHER, now())).toMatchObject({ isFirstAttempt: true })
    await stored.leases.release(id, OTHER, { ...wait, until: now(), notStarted: true })
    expect(await stored.lifecycle.requestCancel(id, now())).toBe('ended')
  })

  it('a released command is due again when its wait is over, and not before', async () => {
    const { id } = await stored.addLeased(ME)
    const until = new Date(Date.now() + 60_000)
    await stored.leases.release(id, ME, { ...wait, until, notStarted: false })
    expect(await stored.leases.due(OTHER, now(), 1000, [])).not.toContain(id)
    expect(await stored.leases.due(OTHER, new Date(Date.now() + 61_000), 1000, [])).toContain(id)
    expect(await stored.commands.find(id)).toMatchObject({
      state: 'pending',
      reasonCode: 'agent.unreachable',
      reason: 'away',
    })
  })
})

describe('the environment of a command', () => {
  it('the environment of a command is nowhere in the tables in the clear', async () => {
    const { id } = await stored.add()
    expect((await stored.commands.find(id))?.env).toEqual({ SECRET: 'hush hush' })
    const { rows } = await stored.test.database.pool.query(
      'SELECT command::text AS text FROM command WHERE id = $1',
      [id],
    )
    expect(rows[0].text).not.toContain('hush')
    expect(rows[0].text).not.toContain(Buffer.from('hush hush').toString('hex'))
  })
})
