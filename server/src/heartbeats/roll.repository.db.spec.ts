import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { HostsRepository } from '../hosts/index.ts'
import { ServerLeaseRepository } from '../platform/leases/server-lease.repository.ts'
import { TestDatabase } from '../platform/testing/test-database.ts'
import type { ClaimedTarget, HeartbeatResult } from './domain/roll.ts'
import { FleetRepository } from './fleet.repository.ts'
import { HeartbeatResultsRepository } from './heartbeat-results.repository.ts'
import { RollRepository } from './roll.repository.ts'

let test: TestDatabase
let roll: RollRepository
let results: HeartbeatResultsRepository
let leases: ServerLeaseRepository
let fleet: FleetRepository
let hostRows: HostsRepository
let ports = 20_000

beforeAll(async () => {
  test = await TestDatabase.open()
  roll = new RollRepository(test.database)
  hostRows = new HostsRepository(test.database, undefined as never)
  results = new HeartbeatResultsRepository(test.database, hostRows)
  leases = new ServerLeaseRepository(test.database)
  fleet = new FleetRepository(test.database)
})
afterAll(() => test.close())
beforeEach(() => test.empty('host', 'server_lease'))

const A = 'server-a'
const B = 'server-b'
const now = new Date('2026-11-21T10:00:00Z')
const after = (ms: number) => new Date(now.getTime() + ms)

/** A host with an installed agent, which is due at `now` when it is on the roll. */
async function host(change: { state?: string; labels?: object; profile?: string } = {}): Promise<string> {
  const id = randomUUID()
  await test.database.pool.query(
    `INSERT INTO host (id, name, address, ssh_port, ssh_user, labels, credential, state, state_since, created_at, heartbeat_profile)
     VALUES ($1, $2, '192.0.2.1', 22, 'root', $3, '', $4, $5, $5, $6)`,
    [id, `host-${id}`, change.labels ?? {}, change.state ?? 'online', now, change.profile ?? null],
  )
  await test.database.pool.query(
    `INSERT INTO agent (host_id, rpc_port, rpc_path, token, secret_key, certificate, private_key, certificate_pin, server_pin, installed_at)
     VALUES ($1, $2, 'p', '', '', '', '', 'pin', 'server', $3)`,
    [id, ports++, now],
  )
  return id
}

async function hosts(count: number): Promise<string[]> {
  const ids: string[] = []
  for (let i = 0; i < count; i++) ids.push(await host())
  await onTheRoll()
  return ids
}

/** Puts all on the roll and makes them due. */
async function onTheRoll(): Promise<void> {
  await roll.enrol(now)
  await test.database.pool.query('UPDATE roll SET due_at = $1', [now])
}

const claim = (server: string, change: Partial<Parameters<RollRepository['acquire']>[2]> = {}, at = now) =>
  roll.acquire(server, at, { after: new Date(0), until: at, limit: 100, takesOver: true, ...change })

const toRow = async (hostId: string) =>
  (await test.database.pool.query('SELECT * FROM roll WHERE host_id = $1', [hostId])).rows[0]
const stateOf = async (hostId: string) =>
  (await test.database.pool.query('SELECT state, state_code, state_reason FROM host WHERE id = $1', [hostId]))
    .rows[0]

const answered = (
  agent: ClaimedTarget,
  at: Date,
  change: Partial<HeartbeatResult['decision']> = {},
): HeartbeatResult => ({
  hostId: agent.hostId,
  from: agent,
  decision: {
    lastAnswerAt: at,
    silentSince: null,
    failedRounds: 0,
    hotCpuSince: null,
    hotMemorySince: null,
    state: 'online',
    stateCode: null,
    stateReason: null,
    ...change,
  },
  report: {
    roundTripMs: 3,
    clockOffsetMs: -7,
    vitals: {
      uptimeS: 10,
      load: [1.5, 0, 0],
      cpuPercent: 20,
      memoryPercent: 40,
      memory: { totalBytes: 100, availableBytes: 60, swapTotalBytes: 0, swapFreeBytes: 0 },
      disks: [{ mount: '/', filesystem: 'ext4', totalBytes: 100, availableBytes: 25 }],
      runningCommands: 0,
    },
  },
})
const silent = (agent: ClaimedTarget, at: Date): HeartbeatResult => {
  const { report: _, ...result } = answered(agent, at, {
    lastAnswerAt: agent.lastAnswerAt,
    silentSince: at,
    failedRounds: 1,
    state: 'offline',
    stateCode: 'agent.unreachable',
    stateReason: 'No answer.',
  })
  return result
}

describe('claiming', () => {
  it('acquiring an agent plans its next call within the bounds of the profile, in the same statement', async () => {
    const [id] = await hosts(1)
    const [agent] = await claim(A)
    expect(agent).toMatchObject({ hostId: id, plannedAt: now, state: 'online', maxMs: 60_000 })
    const { due_at, lease_owner } = await toRow(id as string)
    expect(lease_owner).toBe(A)
    expect(due_at.getTime()).toBeGreaterThanOrEqual(after(20_000).getTime())
    expect(due_at.getTime()).toBeLessThanOrEqual(after(60_000).getTime())
    expect(await claim(A)).toEqual([])
  })

  it('no agent is acquired by two servers, however many ask at once', async () => {
    await hosts(40)
    await Promise.all([leases.renew(A), leases.renew(B)])
    const claimed = await Promise.all(
      Array.from({ length: 10 }, (_, i) => claim(i % 2 ? A : B, { limit: 7 })),
    )
    const ids = claimed.flat().map(({ hostId }) => hostId)
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('an agent stays with the server that holds it while that lives, and is taken over when its lease has expired', async () => {
    const [id] = await hosts(1)
    await leases.renew(A)
    await claim(A)
    await test.database.pool.query('UPDATE roll SET due_at = $1', [now])
    expect(await claim(B)).toEqual([])
    await test.database.pool.query("UPDATE server_lease SET lease_until = now() - interval '1 second'")
    expect(await claim(B, { takesOver: false })).toEqual([])
    expect((await claim(B)).map(({ hostId }) => hostId)).toEqual([id])
  })

  it('a host that is being installed or removed is not called', async () => {
    for (const state of ['installing', 'removing', 'remove_failed', 'upgrading']) await host({ state })
    await onTheRoll()
    expect(await claim(A)).toEqual([])
  })

  it('agents with the shortest interval come first when not all can be called', async () => {
    await hosts(5)
    const pressing = await host({ profile: 'high-availability' })
    await onTheRoll()
    expect((await claim(A, { limit: 1 })).map(({ hostId }) => hostId)).toEqual([pressing])
  })

  it('a late server gets its share, but no agent that is being called', async () => {
    const ids = await hosts(6)
    await leases.renew(A)
    await claim(A)
    await leases.renew(B)
    expect(await roll.membership(B)).toMatchObject({ servers: 2, total: 6, owned: 0 })
    const gone = await roll.releaseAgents(A, 3, ids.slice(0, 2))
    expect(gone).toHaveLength(3)
    expect(gone.some((id) => ids.slice(0, 2).includes(id))).toBe(false)
    await test.database.pool.query('UPDATE roll SET due_at = $1', [now])
    expect((await claim(B)).map(({ hostId }) => hostId).sort()).toEqual(gone.sort())
  })
})

describe('planning', () => {
  it('agents that a clock set back has put out of reach are rescheduled, and no others', async () => {
    const [lost, planned] = (await hosts(2)) as [string, string]
    const due = (id: string, at: Date) =>
      test.database.pool.query('UPDATE roll SET due_at = $2 WHERE host_id = $1', [id, at])
    await due(lost, after(3_600_000))
    await due(planned, after(59_000))
    await roll.rescheduleAfterClockJump(now)
    expect((await toRow(lost)).due_at.getTime()).toBeLessThanOrEqual(after(60_000).getTime())
    expect((await toRow(planned)).due_at).toEqual(after(59_000))
  })

  it('an acquired agent shows whether another server held it before', async () => {
    await hosts(1)
    const again = async (server: string) => {
      await test.database.pool.query('UPDATE roll SET due_at = $1', [now])
      return (await claim(server))[0]?.isNew
    }
    expect(await again(A)).toBe(true)
    expect(await again(A)).toBe(false)
    expect(await again(B)).toBe(true)
    expect(await again(A)).toBe(true)
  })

  it('a fair share of calls a second counts all agents, whichever server holds them', async () => {
    await hosts(4)
    await Promise.all([leases.renew(A), leases.renew(B)])
    expect(await roll.membership(A)).toMatchObject({ owned: 0, ratePerS: 0, shareRatePerS: 0.05 })
  })
})

describe('storing', () => {
  const withFacts = (result: HeartbeatResult, agentVersion: string): HeartbeatResult => ({
    ...result,
    report: {
      ...(result.report as NonNullable<HeartbeatResult['report']>),
      facts: { agentVersion } as never,
    },
  })

  it('a server that lost an agent overwrites nothing of its new holder', async () => {
    const [id] = (await hosts(1)) as [string]
    const [agent] = (await claim(A)) as [ClaimedTarget]
    await test.database.pool.query("UPDATE roll SET lease_owner = 'server-b'")
    await results.store(B, [withFacts(answered(agent, now), 'new')], now)
    await results.store(A, [withFacts(answered(agent, after(600_000)), 'old')], now)
    expect((await fleet.report(id)).facts).toEqual({ agentVersion: 'new' })
    expect(await fleet.samples(id, 300, after(-1000))).toHaveLength(1)
  })

  it('storing results never deadlocks with a change of profiles or the removal of a host', async () => {
    const ids = await hosts(200)
    await leases.renew(A)
    const agents = await claim(A, { limit: 1000 })
    const bounds = (minMs: number) =>
      test.database.pool
        .query("UPDATE heartbeat_profile SET min_ms = $1 WHERE name = 'default'", [minMs])
        .then(() => roll.applyProfiles(now))
    const storing = async () => {
      for (let turn = 0; turn < 15; turn++) {
        const shuffled = agents.toSorted(() => Math.random() - 0.5)
        await results.store(
          A,
          shuffled.map((agent) => withFacts(answered(agent, now), `${turn}`)),
          now,
        )
      }
    }
    const changing = async () => {
      for (let turn = 0; turn < 15; turn++) await bounds(1000 + turn)
    }
    const leaving = async () => {
      for (const id of ids.slice(0, 60)) await hostRows.delete(id)
    }
    try {
      await Promise.all([storing(), changing(), leaving()])
    } finally {
      await bounds(20_000)
    }
  })

  it('a round’s result is stored, and a change of state with its reason is in the history', async () => {
    const [id] = (await hosts(1)) as [string]
    const [agent] = (await claim(A)) as [ClaimedTarget]
    expect(await results.store(A, [silent(agent, now)], now)).toEqual([id])
    expect(await stateOf(id)).toEqual({
      state: 'offline',
      state_code: 'agent.unreachable',
      state_reason: 'No answer.',
    })
    expect(await toRow(id)).toMatchObject({ failed_rounds: 1, silent_since: now, vitals: null })
    const [event] = await fleet.events(id, 10, undefined)
    expect(event).toMatchObject({
      from: 'online',
      to: 'offline',
      code: 'agent.unreachable',
      reason: 'No answer.',
    })
  })

  it('a result of an agent that another server holds by now is not stored', async () => {
    const [id] = (await hosts(1)) as [string]
    const [agent] = (await claim(A)) as [ClaimedTarget]
    await test.database.pool.query("UPDATE roll SET lease_owner = 'server-b'")
    expect(await results.store(A, [silent(agent, now)], now)).toEqual([])
    expect((await stateOf(id)).state).toBe('online')
    expect((await toRow(id)).failed_rounds).toBe(0)
  })

  it('the state of a host that is being installed by now is not overwritten', async () => {
    const [id] = (await hosts(1)) as [string]
    const [agent] = (await claim(A)) as [ClaimedTarget]
    await test.database.pool.query("UPDATE host SET state = 'installing'")
    expect(await results.store(A, [silent(agent, now)], now)).toEqual([])
    expect((await stateOf(id)).state).toBe('installing')
  })

  it('a batch is stored although one of its hosts has left the fleet', async () => {
    const [first, second] = (await hosts(2)) as [string, string]
    const agents = await claim(A)
    await test.database.pool.query('DELETE FROM host WHERE id = $1', [first])
    const facts = { agentVersion: '1' } as never
    const shown = agents.map((agent) => {
      const result = answered(agent, now)
      return { ...result, report: { ...(result.report as NonNullable<HeartbeatResult['report']>), facts } }
    })
    await results.store(A, shown, now)
    expect((await fleet.report(second)).facts).toEqual(facts)
  })

  it('samples are summed up by step, and no more are kept than the rings have slots', async () => {
    const [id] = (await hosts(1)) as [string]
    const [agent] = (await claim(A)) as [ClaimedTarget]
    const day = 86_400_000
    for (const ms of [0, 30_000, 60_000]) await results.store(A, [answered(agent, after(ms))], now)
    const [sample] = await fleet.samples(id, 300, after(-day))
    expect(sample).toMatchObject({
      at: now.toISOString(),
      count: 3,
      cpuPercent: 20,
      cpuPeakPercent: 20,
      diskPeakPercent: 75,
    })
    for (let hour = 0; hour < 60; hour++)
      await results.store(A, [answered(agent, after(hour * 3_600_000))], now)
    const { rows } = await test.database.pool.query(
      'SELECT resolution_s, count(*)::int FROM host_sample GROUP BY resolution_s ORDER BY 1',
    )
    // Sixty hours in a ring of a day: every hour's slot was used again.
    expect(rows).toEqual([
      { resolution_s: 300, count: 24 },
      { resolution_s: 3600, count: 60 },
    ])
  })
})

describe('profiles', () => {
  it('a host gets its own profile, or that of its labels, or the default', async () => {
    await test.database.pool.query(
      `INSERT INTO heartbeat_profile (name, min_ms, max_ms, labels) VALUES ('slow-labs', 100000, 200000, '{"env":"lab"}')
       ON CONFLICT DO NOTHING`,
    )
    const plain = await host()
    const lab = await host({ labels: { env: 'lab', zone: 'a' } })
    const chosen = await host({ labels: { env: 'lab' }, profile: 'high-availability' })
    await roll.enrol(now)
    const bounds = async (id: string) => {
      const { min_ms, max_ms, offline_after_ms } = await toRow(id)
      return [min_ms, max_ms, offline_after_ms]
    }
    expect(await bounds(plain)).toEqual([20_000, 60_000, null])
    expect(await bounds(lab)).toEqual([100_000, 200_000, null])
    expect(await bounds(chosen)).toEqual([4000, 6000, 15_000])
    await test.database.pool.query("DELETE FROM heartbeat_profile WHERE name = 'slow-labs'")
    await roll.applyProfiles(now)
    expect(await bounds(lab)).toEqual([20_000, 60_000, null])
  })

  it('a profile with a shorter interval brings the next call forward', async () => {
    const id = await host()
    await onTheRoll()
    await test.database.pool.query('UPDATE roll SET due_at = $1', [after(60_000)])
    await test.database.pool.query("UPDATE host SET heartbeat_profile = 'high-availability'")
    await roll.applyProfiles(now, id)
    expect((await toRow(id)).due_at.getTime()).toBeLessThanOrEqual(after(6000).getTime())
  })
})

describe('the history of states', () => {
  it('the history of a host’s states is bounded by age and by number', async () => {
    const id = await host()
    for (let i = 0; i < 12; i++)
      await test.database.pool.query('UPDATE host SET state = $2, state_since = $3 WHERE id = $1', [
        id,
        i % 2 ? 'online' : 'offline',
        after(i * 1000),
      ])
    await fleet.removeEvents(after(2500), 5)
    const events = await fleet.events(id, 100, undefined)
    expect(events.map(({ to }) => to)).toEqual(['online', 'offline', 'online', 'offline', 'online'])
    expect(Date.parse(events.at(-1)?.at as string)).toBeGreaterThan(after(2500).getTime())
  })

  it('the history outlives its host and records that it left', async () => {
    const id = await host()
    await test.database.pool.query('DELETE FROM host WHERE id = $1', [id])
    expect((await fleet.events(id, 1, undefined))[0]).toMatchObject({ from: 'online', to: 'removed' })
  })
})
