import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { LiveEvent, LiveRequest } from '@rollcall/contracts/admin'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { addTestHost } from '../platform/testing/test-hosts.ts'
import { TestServer } from '../testing/test-server.ts'

/** Within so long everything that is open has to notice. */
const BOUND = { timeout: 15_000, interval: 50 }

let server: TestServer
let count = 0
let runs: { own: string; command: string }
const transferId = randomUUID()

beforeAll(async () => {
  server = await TestServer.open()
  const at = new Date()
  await addTestHost(server.test.database, { name: 'in', labels: { env: 'prod' }, at })
  await addTestHost(server.test.database, { name: 'out', labels: { env: 'test' }, at })
  await server.person('root@example.com', 'admin')
  const body = { program: 'true', hosts: ['in'] }
  const own = await server.ask('/api/runs', { method: 'POST', body, key: server.localKey })
  runs = { own: own.json.runId, command: own.json.commands[0].id }
  // It runs on another server, for as long as this spec lasts.
  await query("INSERT INTO server_lease VALUES ('another', now() + interval '1 day') ON CONFLICT DO NOTHING")
  await query(
    `UPDATE command SET state = 'running', ended_at = NULL, lease_owner = 'another'
     WHERE id = $1`,
    [runs.command],
  )
  await query(
    `INSERT INTO transfer (id, body_hash, kind, content, destination, make_parents, requested_by, created_at)
     VALUES ($1, 'x', 'file', 'x', '/x', false, 'spec', now())`,
    [transferId],
  )
  await query(
    `INSERT INTO transfer_host (id, transfer_id, host_id, host_name, state, next_attempt_at, lease_owner)
     SELECT gen_random_uuid(), $1, id, name, 'pending', now(), 'another' FROM host WHERE name = 'in'`,
    [transferId],
  )
})
afterAll(() => server?.[Symbol.asyncDispose]())

const query = (sql: string, values: unknown[] = []) => server.test.database.pool.query(sql, values)
/** As another server would: nothing in this process hears of it but the database. */
const elsewhere = {
  setRole: (id: string, role: string) => query('UPDATE app_user SET role = $2 WHERE id = $1', [id, role]),
  setScope: (id: string, scope: string[]) =>
    query('UPDATE app_user SET scope = $2::jsonb WHERE id = $1', [id, JSON.stringify(scope)]),
  disable: (id: string) => query('UPDATE app_user SET is_disabled = true WHERE id = $1', [id]),
  remove: (id: string) => query('DELETE FROM app_user WHERE id = $1', [id]),
  setLabels: (name: string, labels: object) =>
    query('UPDATE host SET labels = $2::jsonb WHERE name = $1', [name, JSON.stringify(labels)]),
}

/** Somebody with a socket that follows a command, a run and the fleet. */
async function viewer(
  role: 'viewer' | 'operator' | 'admin' = 'operator',
  scope: string[] | null = ['env=prod'],
) {
  const { id, cookie } = await server.person(`p${++count}@example.com`, role, scope)
  return { id, ...(await follow({ cookie, origin: server.url })) }
}

async function follow(headers: Record<string, string>) {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/ws`, { headers })
  const events: LiveEvent[] = []
  let closed: number | undefined
  socket.on('message', (data) => events.push(JSON.parse(String(data))))
  socket.on('close', (code) => {
    closed = code
  })
  await once(socket, 'open')
  const send = (request: LiveRequest) => socket.send(JSON.stringify(request))
  send({ type: 'watch-fleet' })
  send({ type: 'follow', commandId: runs.command, offset: 0 })
  send({ type: 'follow-run', runId: runs.own })
  send({ type: 'follow-transfer', transferId })
  const seen = (type: string) => events.filter((event) => event.type === type)
  await expect
    .poll(
      () => [seen('fleet'), seen('command'), seen('run'), seen('transfer')].every(({ length }) => length > 0),
      {
        timeout: 20_000,
      },
    )
    .toBe(true)
  return {
    socket,
    closed: () => closed,
    errors: () => events.flatMap((event) => (event.type === 'error' ? [event.code] : [])).sort(),
    hosts: () => {
      const hosts = new Map<string, string>()
      for (const event of events) {
        if (event.type !== 'fleet') continue
        if (event.isSnapshot) hosts.clear()
        for (const { hostId, host } of event.agents) if (host) hosts.set(hostId, host)
        for (const hostId of event.removed) hosts.delete(hostId)
      }
      return [...hosts.values()].sort()
    },
  }
}

describe('an open socket', () => {
  it('a socket whose scope is narrowed on another server loses what is outside, and gets a new snapshot of the fleet', async () => {
    const one = await viewer('operator', null)
    expect(one.hosts()).toEqual(['in', 'out'])
    await elsewhere.setScope(one.id, ['env=test'])
    await expect.poll(one.errors, BOUND).toEqual(['command.not_found', 'run.not_found', 'transfer.not_found'])
    await expect.poll(one.hosts, BOUND).toEqual(['out'])
    one.socket.terminate()
  })

  it('following a host whose labels leave the scope ends, and the rest goes on', async () => {
    const one = await viewer()
    await elsewhere.setLabels('in', { env: 'other' })
    await expect.poll(one.errors, BOUND).toEqual(['command.not_found', 'run.not_found', 'transfer.not_found'])
    await expect.poll(one.hosts, BOUND).toEqual([])
    await elsewhere.setLabels('in', { env: 'prod' })
    await expect.poll(one.hosts, BOUND).toEqual(['in'])
    expect(one.closed()).toBeUndefined()
    one.socket.terminate()
  })

  it('a socket is closed for an account that was disabled or removed on another server, and after signing out', async () => {
    const people = await Promise.all([viewer(), viewer(), viewer()])
    const [disabled, removed, signedOut] = people as [
      (typeof people)[0],
      (typeof people)[0],
      (typeof people)[0],
    ]
    await elsewhere.disable(disabled.id)
    await elsewhere.remove(removed.id)
    await query('DELETE FROM user_session WHERE user_id = $1', [signedOut.id])
    for (const one of people) await expect.poll(one.closed, BOUND).toBe(4401)
  })

  it('the socket of a key ends with the key’s owner, and loses what the owner loses', async () => {
    const owner = await server.person('owner@example.com', 'admin')
    const body = { name: 'live', permissions: ['hosts:read', 'commands:read', 'files:read', 'users:read'] }
    const { secret } = (await server.ask('/api/keys', { method: 'POST', body, cookie: owner.cookie })).json
    const one = await follow({ authorization: `Bearer ${secret}` })
    await elsewhere.setScope(owner.id, ['env=test'])
    await expect.poll(one.errors, BOUND).toEqual(['command.not_found', 'run.not_found', 'transfer.not_found'])
    await elsewhere.disable(owner.id)
    await expect.poll(one.closed, BOUND).toBe(4401)
  })

  it('notices all the same where the database tells nobody, within the bound', async () => {
    const one = await viewer('operator', null)
    await query('ALTER TABLE app_user DISABLE TRIGGER tell_of_user_rights')
    try {
      await elsewhere.setScope(one.id, ['env=test'])
      await expect
        .poll(one.errors, BOUND)
        .toEqual(['command.not_found', 'run.not_found', 'transfer.not_found'])
    } finally {
      await query('ALTER TABLE app_user ENABLE TRIGGER tell_of_user_rights')
      one.socket.terminate()
    }
  })
})
