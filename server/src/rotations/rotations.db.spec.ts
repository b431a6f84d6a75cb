import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { RollcallError } from '@rollcall/contracts'
import pino from 'pino'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type AgentIdentity, AgentsRepository, AgentsService, type CallOptions } from '../agents/index.ts'
import { HeartbeatsRepository } from '../heartbeats/index.ts'
import { IdentitiesRepository, ServerIdentities } from '../identities/index.ts'
import type { AgentAddress } from '../platform/agent-client/agent-address.ts'
import type { Clock } from '../platform/clock/clock.ts'
import { Sealer } from '../platform/crypto/sealer.ts'
import { ServerLeaseRepository } from '../platform/leases/server-lease.repository.ts'
import { Metrics } from '../platform/metrics/metrics.ts'
import { runOnce } from '../platform/testing/run-tasks.ts'
import { TestDatabase } from '../platform/testing/test-database.ts'
import type { Rotation } from './domain/rotation.ts'
import { OutdatedCredentialsReconciler } from './outdated-credentials.reconciler.ts'
import { RotationReconciler } from './rotation.reconciler.ts'
import { RotationsRepository } from './rotations.repository.ts'

const start = new Date('2026-11-25T10:00:00Z')
const sealer = new Sealer(Buffer.alloc(32, 7))

let test: TestDatabase
let identities: ServerIdentities
let rows: RotationsRepository
let agents: AgentsRepository
let driver: RotationReconciler
let now: Date
/** Calls that the agents got, and by which token; `answer` may throw in their place. */
let calls: {
  method: string
  token: string
  serverPin: string
  serverName: string | undefined
  params: object
}[]
let answer: (method: string) => unknown
let port = 20_000

const query = (sql: string, values: unknown[] = []) => test.database.pool.query(sql, values)

beforeAll(async () => {
  test = await TestDatabase.open()
  identities = await ServerIdentities.open(new IdentitiesRepository(test.database), sealer)
  agents = new AgentsRepository(test.database, sealer)
  const heartbeats = new HeartbeatsRepository(test.database)
  rows = new RotationsRepository(test.database, sealer, identities, agents, heartbeats)
  const service = {
    forget: () => undefined,
    call: async (_hostId: string, method: string, params: object, { connection }: CallOptions) => {
      const { token, serverPin, serverName } = (connection as { own: AgentAddress }).own
      calls.push({ method, token, serverPin, serverName, params })
      await answer(method)
    },
  } as unknown as AgentsService
  const clock = { now: () => now } as Clock
  driver = new RotationReconciler(rows, service, clock, 'us', pino({ level: 'silent' }))
})
afterAll(() => test.close())
beforeEach(async () => {
  now = start
  calls = []
  answer = () => undefined
  await test.empty('host', 'host_event')
})

async function host(state = 'online'): Promise<string> {
  const id = randomUUID()
  await test.database.prisma.host.create({
    data: {
      id,
      name: `host-${id.slice(0, 8)}`,
      address: '192.0.2.1',
      sshPort: 22,
      sshUser: 'root',
      credential: Buffer.of(1),
      state,
      stateSince: start,
      createdAt: start,
    },
  })
  const agent = { rpcPort: port++, ports: null, serverPin: await identities.newestPin() }
  await agents.insert(id, agent, start, test.database.prisma)
  await query('UPDATE agent SET installed_at = $2 WHERE host_id = $1', [id, start])
  return id
}

const later = (ms: number) => {
  now = new Date(now.getTime() + ms)
}
const fails = (code: 'agent.unreachable' | 'agent.credentials_refused') => () => {
  throw new RollcallError(code, 'as the test wants it')
}
const toRotation = async (id: string) =>
  (await query('SELECT * FROM rotation WHERE host_id = $1', [id])).rows[0]
const tokenOf = async (id: string) => (await agents.identity(id))?.token

/** An agent with that identity, which answers every call with an error. */
async function listening(identity: AgentIdentity | null, errorTo: (method: string) => object) {
  const tls = { cert: identity?.certificatePem, key: identity?.privateKeyPem, requestCert: true }
  const https = createServer({ ...tls, rejectUnauthorized: false }, async (request, response) => {
    const { id, method } = (await json(request)) as { id: number; method: string }
    response.end(JSON.stringify({ jsonrpc: '2.0', id, error: errorTo(method) }))
  })
  await once(https.listen(0, '127.0.0.1'), 'listening')
  return {
    port: (https.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      https.closeAllConnections()
      https.close()
    },
  }
}

describe('the schedule', () => {
  const DAY_MS = 86_400_000
  const schedule = (rotateDays: number | null = 30) => {
    const log = pino({ level: 'silent' })
    return new OutdatedCredentialsReconciler(rows, identities, { rotateDays }, log)
  }

  it('credentials older than allowed are rotated once, and those of a silent host are left alone', async () => {
    const [old, offline] = [await host(), await host('offline')]
    later(20 * DAY_MS)
    await runOnce(schedule(), now)
    expect(await toRotation(old), 'of 20 days').toBeUndefined()
    const before = await tokenOf(old)
    later(11 * DAY_MS)
    await runOnce(schedule(), now)
    await runOnce(schedule(), now)
    expect(await toRotation(old)).toMatchObject({ phase: 'made', requested_by: 'the schedule' })
    expect(await toRotation(offline)).toBeUndefined()
    await runOnce(driver, now)
    expect(await tokenOf(old)).not.toBe(before)
    await runOnce(schedule(), now)
    expect(await toRotation(old), 'its credentials are new').toBeUndefined()
  })

  it('a new identity of the servers reaches agents that answer, and the old one is removed once no agent knows it', async () => {
    const [there, away] = [await host(), await host('offline')]
    const pins = async () => (await identities.list()).map(({ pin, agents }) => [pin, agents])
    const before = await identities.newestPin()
    await identities.renew(now)
    const after = await identities.newestPin()
    expect(after).not.toBe(before)
    await runOnce(schedule(null), now)
    await runOnce(driver, now)
    expect(calls.map(({ method, serverPin }) => [method, serverPin])).toEqual([
      ['stage_credentials', before],
      ['get_port', after],
      ['commit_credentials', after],
    ])
    expect(calls[0]?.params).toMatchObject({ credentials: { server_pins: [after] } })
    expect([await agents.address(there), await agents.address(away)]).toMatchObject([
      { serverPin: after },
      { serverPin: before },
    ])
    later(2 * DAY_MS)
    await runOnce(schedule(null), now)
    expect(await pins()).toEqual([
      [after, 1],
      [before, 1],
    ])
    await query("UPDATE host SET state = 'online' WHERE id = $1", [away])
    await runOnce(schedule(null), now)
    await runOnce(driver, now)
    await runOnce(schedule(null), now)
    expect(await pins()).toEqual([[after, 2]])
    await expect(identities.get(after)).resolves.toMatchObject({ pin: after })
  })

  it('an identity that a host may be about to be added with is kept', async () => {
    await query('DELETE FROM server_identity')
    identities = await ServerIdentities.open(new IdentitiesRepository(test.database), sealer)
    await identities.renew(now)
    expect(await identities.removeUnused(now)).toBe(0)
    expect(await identities.list()).toHaveLength(2)
  })

  it('an identity is known by the agents that were installed, and not by hosts that never were', async () => {
    await host()
    const never = await host('install_failed')
    await query('UPDATE agent SET installed_at = NULL WHERE host_id = $1', [never])
    expect((await identities.list())[0]).toMatchObject({ agents: 1 })
  })
})

describe('a rotation', () => {
  it('a rotation replaces the whole set, and appears in the history of the host', async () => {
    const id = await host()
    const before = await agents.identity(id)
    await rows.begin([id], 'ada', now)
    later(60_000)
    await runOnce(driver, now)
    const after = await agents.identity(id)
    for (const part of [
      'token',
      'secretKey',
      'rpcPath',
      'certificatePem',
      'privateKeyPem',
      'certificatePin',
    ] as const)
      expect(after?.[part]).not.toBe(before?.[part])
    expect(calls.map(({ method, token, serverName }) => [method, token, serverName])).toEqual([
      ['stage_credentials', before?.token, undefined],
      ['get_port', after?.token, 'staged.rollcall.invalid'],
      ['commit_credentials', after?.token, 'staged.rollcall.invalid'],
    ])
    expect(calls[0]?.params).toMatchObject({ credentials: { server_pins: [await identities.newestPin()] } })
    expect(await toRotation(id)).toBeUndefined()
    const [row] = (await query('SELECT credentials_at, rotated_at FROM agent')).rows
    expect(row).toEqual({ credentials_at: now, rotated_at: now })
    const [event] = (
      await query('SELECT from_state, to_state, reason FROM host_event ORDER BY id DESC LIMIT 1')
    ).rows
    expect(event).toMatchObject({
      from_state: 'online',
      to_state: 'online',
      reason: expect.stringContaining('ada'),
    })
  })

  it('the new set is stored, sealed, before it is sent to the agent', async () => {
    const id = await host()
    await rows.begin([id], 'ada', now)
    const kept = await toRotation(id)
    answer = fails('agent.unreachable')
    await runOnce(driver, now)
    const sent = calls[0]?.params as { credentials: Record<string, string> } | undefined
    const { agent_token, private_key } = sent?.credentials ?? {}
    expect(sealer.open(kept.token, `rotation/${id}/token`)).toBe(agent_token)
    expect(sealer.open(kept.private_key, `rotation/${id}/private-key`)).toBe(private_key)
  })

  it('a rotation whose last answer is lost keeps both sets, calls with the new one, and ends at its next turn', async () => {
    const id = await host()
    const before = await tokenOf(id)
    await rows.begin([id], 'ada', now)
    answer = (method) => method === 'commit_credentials' && fails('agent.unreachable')()
    await runOnce(driver, now)
    const kept = await toRotation(id)
    expect(kept).toMatchObject({ phase: 'switched', failures: 1, reason_code: 'agent.unreachable' })
    expect(sealer.open(kept.token, `rotation/${id}/token`)).toBe(before)
    expect(await agents.address(id)).toMatchObject({ serverName: 'staged.rollcall.invalid' })
    expect(await tokenOf(id)).not.toBe(before)
    answer = () => undefined
    await runOnce(driver, now)
    expect(await toRotation(id)).toMatchObject({ phase: 'switched' })
    later(1000)
    await runOnce(driver, now)
    expect(await toRotation(id)).toBeUndefined()
    expect((await agents.address(id))?.serverName).toBeUndefined()
  })

  it('an agent that was set back and takes only the old set gets its rotation restarted from that', async () => {
    const id = await host()
    const before = await tokenOf(id)
    await rows.begin([id], 'ada', now)
    answer = (method) => method === 'commit_credentials' && fails('agent.unreachable')()
    await runOnce(driver, now)
    later(1000)
    const asked: string[] = []
    answer = (method) => {
      asked.push(method)
      if (method === 'commit_credentials') fails('agent.credentials_refused')()
      if (method === 'stage_credentials') fails('agent.unreachable')()
    }
    await runOnce(driver, now)
    expect(asked).toEqual(['commit_credentials', 'get_port', 'stage_credentials'])
    expect(await toRotation(id)).toMatchObject({ phase: 'made' })
    expect(await tokenOf(id)).toBe(before)
  })

  it('a rotation ends when the agent answers that nothing is staged, since an installation has brought the new set', async () => {
    const id = await host()
    await rows.begin([id], 'ada', now)
    answer = (method) => method === 'commit_credentials' && fails('agent.unreachable')()
    await runOnce(driver, now)
    expect(await toRotation(id)).toMatchObject({ phase: 'switched' })
    const asked: string[] = []
    await using agent = await listening(await agents.identity(id), (method) => {
      asked.push(method)
      return { code: -32001, message: 'Nothing is staged.', data: { code: 'credentials.not_staged' } }
    })
    await query("UPDATE host SET address = '127.0.0.1' WHERE id = $1", [id])
    await query('UPDATE agent SET rpc_port = $2 WHERE host_id = $1', [id, agent.port])
    const clock = { now: () => now } as Clock
    const log = pino({ level: 'silent' })
    const service = new AgentsService(agents, new Metrics(log), identities, log)
    later(1000)
    await runOnce(new RotationReconciler(rows, service, clock, 'us', log), now)
    expect(asked).toEqual(['commit_credentials'])
    expect(await toRotation(id)).toBeUndefined()
  })

  it('a rotation that is requested twice is one rotation', async () => {
    const id = await host()
    await rows.begin([id], 'ada', now)
    const first = (await toRotation(id)).id
    await rows.begin([id], 'eve', now)
    expect(await toRotation(id)).toMatchObject({ id: first, requested_by: 'ada' })
  })

  it('a rotation is left to the server that holds it, and taken over when that died', async () => {
    const id = await host()
    await rows.begin([id], 'ada', now)
    const leases = new ServerLeaseRepository(test.database)
    await Promise.all([leases.renew('us'), leases.renew('another')])
    const acquire = (server: string) => rows.acquire(server, now, 10)
    const [ours] = await acquire('us')
    expect(ours?.hostId).toBe(id)
    expect(await acquire('another')).toEqual([])
    await leases.release('us')
    expect((await acquire('another')).map(({ hostId }) => hostId)).toEqual([id])
    expect(
      await rows.advance(ours as Rotation, 'staged', now),
      'a server that lost its lease stores nothing',
    ).toBe(false)
    expect(await toRotation(id)).toMatchObject({ phase: 'made', lease_owner: 'another' })
  })

  it.each(['offline', 'installing', 'upgrading', 'removing'])(
    'the rotation of a host that is %s waits',
    async (state) => {
      const id = await host(state)
      await rows.begin([id], 'ada', now)
      await runOnce(driver, now)
      expect(calls).toEqual([])
      await query("UPDATE host SET state = 'online'")
      await runOnce(driver, now)
      expect(await toRotation(id)).toBeUndefined()
    },
  )

  it.each(['get_port', 'commit_credentials'])(
    'a rotation drops and exchanges nothing when an installation began during %s, which may bring the old set back',
    async (during) => {
      const id = await host()
      await rows.begin([id], 'ada', now)
      answer = (method) => method === during && query("UPDATE host SET state = 'installing'")
      await runOnce(driver, now)
      expect(await toRotation(id)).toBeDefined()
    },
  )
})
