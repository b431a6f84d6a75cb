import { randomUUID } from 'node:crypto'
import { createServer, type Server } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { ProvisioningHandler, ProvisioningService } from '../provisioning/index.ts'
import { type TestRequest, TestServer } from '../testing/test-server.ts'
import { HostsRepository } from './hosts.repository.ts'

/** Counts who dials it, and hangs up on all. */
class Door {
  dialled = 0
  private constructor(private readonly server: Server) {}

  static async open(): Promise<Door> {
    const server = createServer()
    const door = new Door(server)
    server.on('connection', (socket) => {
      door.dialled++
      socket.on('error', () => undefined)
      socket.destroy()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return door
  }

  get port(): number {
    return (this.server.address() as { port: number }).port
  }

  close = () => new Promise((resolve) => this.server.close(resolve))
}

let server: TestServer
let attacker: { cookie: string }
let victim: { id: string; door: Door }
let mine: { id: string; door: Door }

const ask = (path: string, asked?: TestRequest) => server.ask(path, asked)
const query = (sql: string, values: unknown[] = []) => server.test.database.pool.query(sql, values)

const hostsOf = ({ commands }: { commands: { host: { id: string } }[] }) => [
  ...new Set(commands.map(({ host }) => host.id)),
]

/** Its own installation is over before its door opens. */
async function add(name: string, env: string, as: TestRequest) {
  const credential = { type: 'password', password: `password of ${name}` }
  const body = { name, address: '127.0.0.1', port: 1, credential, labels: { env } }
  const { json, status } = await ask('/api/hosts', { method: 'POST', body, ...as })
  expect(status).toBe(202)
  const state = async () => (await ask(`/api/commands/${json.commandId}`, as)).json.command.state
  await vi.waitUntil(async () => (await state()) === 'failed', { timeout: 20_000 })
  const door = await Door.open()
  const id = json.host.id as string
  await query('UPDATE host SET ssh_port = $1 WHERE id = $2', [door.port, id])
  return { id, door }
}

/** A foreign host, and one of the attacker's that an earlier release let be called like the id of that one. */
beforeAll(async () => {
  server = await TestServer.open()
  attacker = await server.person('mallory@example.com', 'operator', ['env=test'])
  victim = await add('victim', 'prod', { key: server.localKey })
  mine = await add('mine', 'test', attacker)
  await query("UPDATE host SET state = 'online', host_key = NULL")
  await query('ALTER TABLE host DROP CONSTRAINT host_name_is_no_id')
  await query('UPDATE host SET name = $1 WHERE id = $2', [victim.id, mine.id])
})
afterAll(async () => {
  await Promise.all([victim?.door.close(), mine?.door.close()])
  await server?.[Symbol.asyncDispose]()
})

describe("a host that is named like another host's id", () => {
  it('a host named like another host’s id does not get its SSH credential, agent token or keys', async () => {
    const signal = AbortSignal.timeout(20_000)
    const log = { line: async () => undefined, write: async () => undefined, flush: async () => undefined }
    // Terminals and playbooks over SSH go by the first; installations, upgrades and removals by the second.
    await query("UPDATE host SET host_key = 'SHA256:x' WHERE id = $1", [victim.id])
    await expect(server.app.get(ProvisioningService).checkSsh(victim.id, signal)).rejects.toThrow()
    await query('UPDATE host SET host_key = NULL')
    await expect(
      server.app.get(ProvisioningHandler).install(victim.id, log as never, signal),
    ).rejects.toThrow()
    expect([victim.door.dialled, mine.door.dialled]).toEqual([2, 0])
  })

  it('a host named like another host’s id is not found by that id in any path, query or target', async () => {
    for (const text of [victim.id, victim.id.toUpperCase()]) {
      const admin = { key: server.localKey }
      expect((await ask(`/api/hosts/${text}`, admin)).json.host.id).toBe(victim.id)
      expect((await ask(`/api/hosts/${text}/status`, admin)).json.host).toEqual({
        id: victim.id,
        name: 'victim',
      })
      const installs = await ask(`/api/commands?host=${text}`, admin)
      expect(hostsOf(installs.json)).toEqual([victim.id])
      await query('UPDATE agent SET installed_at = now()')
      const body = { program: 'true', hosts: [text] }
      const run = await ask('/api/runs', { method: 'POST', body, ...admin })
      expect(hostsOf(run.json)).toEqual([victim.id])
    }
  })

  it('a caller scoped to a host named like another host’s id finds nothing by that id', async () => {
    const attempts: [string, TestRequest][] = [
      [`/api/hosts/${victim.id}`, {}],
      [`/api/hosts/${victim.id}/status`, {}],
      [`/api/hosts/${victim.id}/history`, {}],
      [`/api/commands?host=${victim.id}`, {}],
      [`/api/hosts/${victim.id}/install`, { method: 'POST' }],
      [`/api/hosts/${victim.id}/terminals`, { method: 'POST', body: { columns: 80, rows: 24 } }],
      [`/api/hosts/${victim.id}/tools`, { method: 'POST' }],
      [`/api/hosts/${victim.id}/file?path=/etc/shadow`, {}],
      [`/api/hosts/${victim.id}`, { method: 'PATCH', body: { autoReinstall: false } }],
      [`/api/hosts/${victim.id}`, { method: 'DELETE' }],
      ['/api/runs', { method: 'POST', body: { program: 'true', hosts: [victim.id] } }],
      ['/api/rotations', { method: 'POST', body: { hosts: [victim.id] } }],
    ]
    for (const [path, asked] of attempts) {
      const answer = await ask(path, { ...attacker, ...asked })
      expect([path, answer.status, answer.code]).toEqual([path, 404, 'host.not_found'])
    }
    expect((await ask(`/api/hosts/${mine.id}`, attacker)).json.host.id).toBe(mine.id)
  })

  it('a name like an id is refused for every kind of object, with the field', async () => {
    const name = randomUUID().toUpperCase()
    const credential = { type: 'password', password: 'x' }
    const bodies: [string, object][] = [
      ['/api/hosts', { name, address: 'a', credential, labels: { env: 'test' } }],
      ['/api/saved-commands', { name, program: 'true' }],
      ['/api/secrets', { name, data: 'eA==' }],
      ['/api/schedules', { name, cron: '* * * * *', command: { program: 'true' }, target: { all: true } }],
      ['/api/heartbeat-profiles', { name: name.toLowerCase(), minMs: 1000, maxMs: 1000 }],
      ['/api/keys', { name, permissions: ['hosts:read'] }],
      ['/api/users', { name, email: 'uuid@example.com', role: 'viewer' }],
      [
        '/api/playbook-collections',
        { name: name.toLowerCase(), source: { kind: 'archive', sha256: '0'.repeat(64) } },
      ],
    ]
    for (const [path, body] of bodies) {
      const { status, json } = await ask(path, { method: 'POST', body, key: server.localKey })
      expect([path, status, json.error?.code]).toEqual([path, 400, 'request.invalid'])
      expect(json.error.fields).toContainEqual({
        field: 'name',
        message: expect.stringContaining('must not have the form of a UUID'),
      })
    }
  })

  it('an API key cannot be named like the keys of servers', async () => {
    const body = { name: 'local-0123abcd', permissions: ['hosts:read'] }
    const { status, json } = await ask('/api/keys', { method: 'POST', body, key: server.localKey })
    expect([status, json.error.fields[0].field]).toEqual([400, 'name'])
  })

  it('a host cannot be named into another user’s target after the host of that name was removed', async () => {
    const target = { hosts: ['db-1'] }
    const saved = { name: 'backup', program: 'true', env: { PASSWORD: 'x' }, target }
    const plan = {
      name: 'nightly',
      cron: '0 3 * * *',
      command: { program: 'true' },
      target: { hosts: ['db-2'] },
    }
    const admin = { method: 'POST', key: server.localKey }
    expect((await ask('/api/saved-commands', { ...admin, body: saved })).status).toBe(201)
    expect((await ask('/api/schedules', { ...admin, body: plan })).status).toBe(201)
    const credential = { type: 'password', password: 'x' }
    const body = (name: string) => ({
      name,
      address: '127.0.0.1',
      port: 1,
      credential,
      labels: { env: 'test' },
    })
    for (const name of ['db-1', 'db-2', 'victim']) {
      const { status, json } = await ask('/api/hosts', { method: 'POST', body: body(name), ...attacker })
      expect([name, status, json.error.message]).toEqual([
        name,
        409,
        `The name ${name} is taken: host names are unique in the fleet. Choose another name.`,
      ])
    }
    expect((await ask('/api/hosts', { ...admin, body: body('db-1') })).status).toBe(202)
  })

  it('a scoped caller can probe for taken names at most twenty times an hour', async () => {
    const guesser = await server.person('guesser@example.com', 'operator', ['env=test'])
    const add = async (name: string, as: TestRequest) => {
      const credential = { type: 'password', password: 'x' }
      const body = { name, address: '127.0.0.1', port: 1, credential, labels: { env: 'test' } }
      return (await ask('/api/hosts', { method: 'POST', body, ...as })).code
    }
    expect(await add('free-1', guesser)).toBeUndefined()
    for (let i = 0; i < 20; i++) expect(await add('victim', guesser)).toBe('host.name_taken')
    expect(await add('victim', guesser)).toBe('access.locked_out')
    expect(await add('free-2', guesser)).toBe('access.locked_out')
    expect(await add('victim', { key: server.localKey })).toBe('host.name_taken')
  })

  it('whatever hosts are called, no text ever finds one by the id of another', async () => {
    const hosts = server.app.get(HostsRepository)
    const known = (await query('SELECT id, name FROM host')).rows as { id: string; name: string }[]
    const texts = known.flatMap(({ id, name }) => [id, name, id.toUpperCase()])
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...texts, randomUUID(), 'nowhere')), async (asked) => {
        for (const [text, { id, name }] of await hosts.findByReference(asked))
          expect(/^[0-9a-f-]{36}$/i.test(text) ? id : name).toBe(
            /^[0-9a-f-]{36}$/i.test(text) ? text.toLowerCase() : text,
          )
      }),
      { numRuns: 50 },
    )
  })
})
