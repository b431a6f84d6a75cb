import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { AgentsRepository } from '../agents/index.ts'
import { HostsRepository } from '../hosts/index.ts'
import { ServerIdentities } from '../identities/index.ts'
import { TestServer } from '../testing/test-server.ts'
import { TestSshd } from '../testing/test-sshd.ts'
import { MachinesRepository } from './machines.repository.ts'

const now = new Date('2026-11-30T09:00:00Z')
const password = (text: string) => ({ type: 'password' as const, password: text })

let server: TestServer
let sshd: TestSshd
let hosts: HostsRepository
let nextPort = 20_000

beforeAll(async () => {
  server = await TestServer.open()
  sshd = await TestSshd.start('right')
  hosts = server.app.get(HostsRepository)
})
afterAll(async () => {
  await sshd?.[Symbol.asyncDispose]()
  await server?.[Symbol.asyncDispose]()
})
beforeEach(async () => {
  await server.test.empty('host', 'run', 'command')
  sshd.passwords.length = 0
  sshd.report = {}
})

/** A host that is in the fleet and reached where nothing answers any more. */
async function host(changes: { state?: string; isInstalled?: boolean; hostKey?: string | null } = {}) {
  const { state = 'offline', isInstalled = true, hostKey = sshd.fingerprint } = changes
  const id = randomUUID()
  const name = `host-${id.slice(0, 8)}`
  const credential = { ssh: password('old'), sudoPassword: 'sudo' }
  const place = { address: '127.0.0.9', port: 22, user: 'root', hostKey, credential }
  const { prisma } = server.test.database
  const added = { id, name, labels: { env: 'prod' }, isDuplicateAllowed: false, ...place }
  await hosts.insert(added, randomUUID(), now, prisma)
  const serverPin = await server.app.get(ServerIdentities).newestPin()
  const agent = { rpcPort: nextPort++, ports: null, serverPin }
  await server.app.get(AgentsRepository).insert(id, agent, now, prisma)
  await prisma.host.update({
    where: { id },
    data: { state, ...(isInstalled && { agent: { update: { installedAt: now } } }) },
  })
  return { id, name, port: nextPort - 1 }
}
const set = (name: string, body: object, key = server.localKey) =>
  server.ask(`/api/hosts/${name}`, { method: 'PATCH', key, body })
const reachOf = async (id: string) => (await hosts.reach(id))?.reach
const toRow = async (id: string) =>
  (
    await server.test.database.pool.query(
      'SELECT * FROM host JOIN agent ON agent.host_id = host.id WHERE id = $1',
      [id],
    )
  ).rows[0]

describe('changing how a host is reached', () => {
  it('address, port and password are changed once they work; identity, labels and pinned key stay', async () => {
    const { id, name } = await host()
    const before = await toRow(id)
    const body = { address: '127.0.0.1', port: sshd.port, credential: password('right') }
    const { status, json } = await set(name, body)
    expect({ status, json }).toMatchObject({
      status: 200,
      json: { host: { id, address: '127.0.0.1', port: sshd.port, labels: { env: 'prod' } }, commandId: null },
    })
    expect(json.isAgentAnswering).toBe(false)
    expect(await reachOf(id)).toEqual({
      address: '127.0.0.1',
      port: sshd.port,
      user: 'root',
      hostKey: sshd.fingerprint,
      credential: { ssh: password('right'), sudoPassword: 'sudo' },
    })
    const after = await toRow(id)
    for (const column of ['token', 'secret_key', 'certificate_pin', 'rpc_port', 'rpc_path', 'created_at'])
      expect(after[column], column).toEqual(before[column])
    expect(JSON.stringify(json)).not.toContain('right')
  })

  it.each([
    ['a wrong password', { credential: password('wrong') }, 'ssh.auth_failed', ['wrong']],
    ['an address where nothing listens', { address: '127.0.0.1', port: 1 }, 'ssh.unreachable', []],
    [
      'a host key that the host does not have',
      { hostKey: `SHA256:${'B'.repeat(43)}`, sudoPassword: 'sudo' },
      'host.key_changed',
      [],
    ],
  ])('%s changes nothing, also of what was given beside it', async (_what, change, code, sent) => {
    const { id, name } = await host()
    const before = await toRow(id)
    const body = {
      address: '127.0.0.1',
      port: sshd.port,
      credential: password('right'),
      labels: { a: 'b' },
      ...change,
    }
    const answer = await set(name, body)
    expect(answer.code).toBe(code)
    expect(answer.json.error.message).toMatch(new RegExp(`^${name} was not changed\\. `))
    expect(answer.json.error.message).not.toMatch(/right|wrong|sudo"/)
    expect(await toRow(id)).toEqual(before)
    expect(sshd.passwords).toEqual(sent)
  })

  it('a host that cannot be installed on for want of root is told so, and stays as it was', async () => {
    const { id, name } = await host()
    const before = await toRow(id)
    sshd.report = { os: undefined }
    const answer = await set(name, { address: '127.0.0.1', port: sshd.port, credential: password('right') })
    expect(answer.code).toBe('host.preflight_unreadable')
    expect(await toRow(id)).toEqual(before)
  })

  it('stored passwords never go to a machine with another key, or elsewhere before a key was seen', async () => {
    const thief = { address: '127.0.0.1', port: sshd.port, hostKey: sshd.fingerprint }
    const pinned = await host({ hostKey: `SHA256:${'O'.repeat(43)}` })
    const unseen = await host({ hostKey: null, isInstalled: false, state: 'install_failed' })
    for (const { id, name } of [pinned, unseen])
      for (const skipCheck of [false, true]) {
        const before = await toRow(id)
        const answer = await set(name, { ...thief, skipCheck })
        expect([answer.status, answer.code]).toEqual([400, 'request.invalid'])
        expect(answer.json.error.fields.map(({ field }: { field: string }) => field)).toEqual([
          'credential',
          'sudoPassword',
        ])
        expect(await toRow(id)).toEqual(before)
      }
    expect(sshd.passwords).toEqual([])
  })

  it('a changed key is taken by its new fingerprint, and the error that it was changed names the command', async () => {
    const { id, name } = await host({ hostKey: `SHA256:${'O'.repeat(43)}` })
    const place = { address: '127.0.0.1', port: sshd.port, credential: password('right') }
    const refused = await set(name, place)
    expect(refused.code).toBe('host.key_changed')
    expect(refused.json.error.message).toContain(`rollcall host set NAME --host-key ${sshd.fingerprint}`)
    const again = { ...place, hostKey: sshd.fingerprint, sudoPassword: 'sudo' }
    expect((await set(name, again)).status).toBe(200)
    expect((await reachOf(id))?.hostKey).toBe(sshd.fingerprint)
  })

  it('what cannot be tried now is stored untried when that is asked for, and signs in to nothing', async () => {
    const { id, name } = await host()
    const { status, json } = await set(name, {
      address: '127.0.0.1',
      port: 1,
      sudoPassword: null,
      skipCheck: true,
    })
    expect({ status, isAgentAnswering: json.isAgentAnswering }).toEqual({
      status: 200,
      isAgentAnswering: null,
    })
    expect(await reachOf(id)).toMatchObject({ port: 1, credential: { ssh: password('old') } })
    expect((await reachOf(id))?.credential.sudoPassword).toBeUndefined()
  })

  it('a host of which nothing was seen yet gets the key that it shows', async () => {
    const { id, name } = await host({ hostKey: null, isInstalled: false, state: 'install_failed' })
    const body = { address: '127.0.0.1', port: sshd.port, credential: password('right'), sudoPassword: 's' }
    expect((await set(name, body)).json.isAgentAnswering).toBeNull()
    expect((await reachOf(id))?.hostKey).toBe(sshd.fingerprint)
  })

  it.each(['installing', 'upgrading', 'removing'])('a host that is %s is left alone', async (state) => {
    const { id, name } = await host({ state })
    const before = await toRow(id)
    const answer = await set(name, { address: '127.0.0.1', skipCheck: true })
    expect([answer.status, answer.code]).toEqual([409, 'host.busy'])
    expect(await toRow(id)).toEqual(before)
  })

  it('the later of two concurrent changes of a host is refused, and changes nothing', async () => {
    const { id, name } = await host()
    const change = (port: number) => set(name, { address: '127.0.0.1', port, skipCheck: true })
    const answers = await Promise.all([change(2001), change(2002), change(2003)])
    const won = answers.filter(({ status }) => status === 200)
    expect(won.length).toBeGreaterThan(0)
    for (const { status, code } of answers) if (status !== 200) expect(code).toBe('host.changed_meanwhile')
    expect(won.map(({ json }) => json.host.port)).toContain((await reachOf(id))?.port)
  })

  it.each([
    [{ address: '' }, 'address'],
    [{ address: 'a b' }, 'address'],
    [{ port: 0 }, 'port'],
    [{ user: '' }, 'user'],
    [{ hostKey: 'MD5:x' }, 'hostKey'],
    [{ credential: { type: 'password', password: '' } }, 'credential.password'],
    [{ agentPorts: '80' }, 'agentPorts'],
    [{ agentPorts: '9000-8000' }, 'agentPorts'],
    [{ agent_port: 8000 }, 'agent_port'],
  ])('%j is refused by its field', async (body, field) => {
    const { name } = await host()
    const { status, json } = await set(name, body)
    expect(status).toBe(400)
    expect(json.error.fields.map((wrong: { field: string }) => wrong.field)).toContain(field)
  })

  it('no secret stands in the audit log', async () => {
    const { name } = await host()
    await set(name, { credential: password('of the audit'), sudoPassword: 'of sudo', skipCheck: true })
    const { rows } = await server.test.database.pool.query('SELECT * FROM audit_entry')
    expect(JSON.stringify(rows)).toContain(name)
    expect(JSON.stringify(rows)).not.toMatch(/of the audit|of sudo/)
  })
})

describe('a machine that is in the fleet already', () => {
  const place = () => ({ address: '127.0.0.1', port: sshd.port, credential: password('right') })
  const twinOf = async (changes: object) => {
    const other = await host({ hostKey: `SHA256:${'T'.repeat(43)}` })
    await server.test.database.prisma.host.update({ where: { id: other.id }, data: changes })
    return other
  }
  const MACHINE = '0123456789abcdef0123456789abcdef'

  it('a machine is added under a second name on purpose only, by its host key', async () => {
    const known = await host()
    const body = { ...place(), name: 'second', hostKey: sshd.fingerprint }
    const add = (more: object, key = server.localKey) =>
      server.ask('/api/hosts', { method: 'POST', key, body: { ...body, ...more } })
    const refused = await add({})
    expect([refused.status, refused.code]).toEqual([409, 'host.same_machine'])
    expect(refused.json.error.message).toContain(known.name)
    expect(refused.json.error.message).toContain('--allow-duplicate')
    expect((await server.ask('/api/hosts/second', { key: server.localKey })).status).toBe(404)

    const narrow = await server.key('narrow', ['hosts:write', 'hosts:read'], ['env=test'])
    const hidden = await add({ labels: { env: 'test' } }, narrow)
    expect(hidden.code).toBe('host.same_machine')
    expect(JSON.stringify(hidden.json)).not.toContain(known.name)
    expect((await add({ allowDuplicate: true })).status).toBe(202)
  })

  it('of two simultaneous additions of one machine only one succeeds', async () => {
    const add = (name: string) =>
      server.ask('/api/hosts', {
        method: 'POST',
        key: server.localKey,
        body: { ...place(), name, hostKey: sshd.fingerprint },
      })
    const answers = await Promise.all(['a', 'b', 'c', 'd'].map(add))
    expect(answers.map(({ status }) => status).sort()).toEqual([202, 409, 409, 409])
  })

  it('a change of address or key cannot take another machine, and names the host of a clone', async () => {
    const other = await twinOf({})
    await server.app.get(MachinesRepository).setMachine(other.id, { machineId: MACHINE, sameMachineAs: null })
    const { id, name } = await host()
    const before = await toRow(id)
    sshd.report = { machine_id: MACHINE }
    const refused = await set(name, place())
    expect([refused.status, refused.code]).toEqual([409, 'host.same_machine'])
    expect(refused.json.error.message).toContain(`the machine id of ${other.name}`)
    expect(await toRow(id)).toEqual(before)
    const given = { credential: password('x'), sudoPassword: null }
    const byKey = await set(name, { ...given, hostKey: `SHA256:${'T'.repeat(43)}`, skipCheck: true })
    expect(byKey.code).toBe('host.same_machine')
    expect((await set(name, { ...place(), allowDuplicate: true })).status).toBe(200)
  })

  it('the checks before adding report a machine that is taken, with the owner if the caller may see it', async () => {
    const other = await twinOf({})
    const fleet = await server.app.get(MachinesRepository).fleetId()
    sshd.report = { agent_owner: `${fleet}/${other.id}` }
    const check = async (key: string, more: object = {}) => {
      const body = { ...place(), hostKey: sshd.fingerprint, ...more }
      return (await server.ask('/api/host-checks', { method: 'POST', key, body })).json
    }
    const seen = await check(server.localKey)
    expect(seen).toMatchObject({
      isReady: false,
      checks: expect.arrayContaining([
        { name: 'agent', ok: false, code: 'host.agent_taken', message: expect.stringContaining(other.name) },
      ]),
    })
    const narrow = await server.key('narrow-too', ['hosts:write', 'hosts:read'], ['env=test'])
    expect(JSON.stringify(await check(narrow))).not.toContain(other.name)
    expect((await check(server.localKey, { takeOver: true })).isReady).toBe(true)
    sshd.report = { agent_owner: `${other.id}/${other.id}` }
    const { checks } = await check(server.localKey)
    expect(JSON.stringify(checks)).toContain('belongs to another Rollcall server')
  })

  it('a host shows the other host of its machine by name only to callers who may see that', async () => {
    const other = await twinOf({ labels: { env: 'hidden' } })
    const { id, name } = await host()
    await server.app.get(MachinesRepository).setMachine(id, { sameMachineAs: other.id })
    const show = async (key: string) => (await server.ask(`/api/hosts/${name}`, { key })).json.sameMachineAs
    expect(await show(server.localKey)).toEqual({ name: other.name })
    expect(await show(await server.key('prod', ['hosts:read'], ['env=prod']))).toEqual({ name: null })
  })
})

describe('changing where an agent listens', () => {
  it('a new port of an installed agent starts a move, and both ports are reserved until it ends', async () => {
    const { id, name, port } = await host({ state: 'online' })
    const { status, json } = await set(name, { agentPorts: '7000', skipCheck: true })
    expect(status).toBe(200)
    expect(json.host).toMatchObject({ state: 'installing', agent: { port, nextPort: 7000 } })
    expect(json.host.lastProvisioning).toBe(json.commandId)
    const other = await host()
    for (const agentPorts of ['7000', String(port)]) {
      const refused = await set(other.name, { agentPorts, skipCheck: true })
      expect([agentPorts, refused.code]).toEqual([agentPorts, 'host.no_free_port'])
      expect(refused.json.error.message).toContain(
        `Port ${agentPorts} (agentPorts) is in use: 1 by other agents of the fleet`,
      )
    }
    const query = 'UPDATE agent SET next_port = $2 WHERE host_id = $1'
    for (const taken of [7000, port])
      await expect(server.test.database.pool.query(query, [other.id, taken])).rejects.toThrow(/next_port/)
    expect((await toRow(id)).next_port).toBe(7000)
  })

  it('the port of an agent is not changed again before its move has ended', async () => {
    const { id, name } = await host()
    await server.test.database.pool.query('UPDATE agent SET next_port = 7100 WHERE host_id = $1', [id])
    const answer = await set(name, { agentPorts: '7101', skipCheck: true })
    expect([answer.status, answer.code]).toEqual([409, 'host.busy'])
    expect(answer.json.error.message).toContain(`rollcall host install ${name}`)
    expect(await toRow(id)).toMatchObject({
      next_port: 7100,
      state: 'offline',
      last_provisioning: expect.anything(),
    })
  })

  it('the port of an added host is within its range, and the host is refused if none is free', async () => {
    const add = (name: string, agentPorts: string) =>
      server.ask('/api/hosts', {
        method: 'POST',
        key: server.localKey,
        body: { name, address: '127.0.0.1', credential: password('x'), agentPorts },
      })
    expect((await add('one', '7200')).json.host.agent.port).toBe(7200)
    const refused = await add('two', '7200')
    expect(refused.code).toBe('host.no_free_port')
    expect(refused.json.error.fields).toEqual([{ field: 'agentPorts', message: 'has no free port' }])
    expect((await server.ask('/api/hosts/two', { key: server.localKey })).status).toBe(404)
    const many = await Promise.all(['a', 'b', 'c', 'd'].map((name) => add(name, '7201-7203')))
    expect(many.map(({ status }) => status).sort()).toEqual([202, 202, 202, 400])
  })

  it('a new range that holds the agent’s port moves nothing', async () => {
    const { id, name, port } = await host({ state: 'online' })
    const { json } = await set(name, { agentPorts: `${port - 1}-${port + 1}`, skipCheck: true })
    expect(json).toMatchObject({
      commandId: null,
      host: { state: 'online', agent: { port, nextPort: null } },
    })
    expect(await toRow(id)).toMatchObject({ ports: `${port - 1}-${port + 1}`, rpc_port: port })
  })

  it('a new port of an agent that is not installed takes effect at its next installation', async () => {
    const { name } = await host({ isInstalled: false, state: 'install_failed' })
    const { json } = await set(name, { agentPorts: '7005', skipCheck: true })
    expect(json).toMatchObject({ commandId: null, host: { agent: { port: 7005, nextPort: null } } })
  })

  it('chooses none that something listens on at the host', async () => {
    const { name } = await host()
    sshd.report = { listening: '0016,1B58,1B59' } // 7000 and 7001
    const body = { address: '127.0.0.1', port: sshd.port, credential: password('right') }
    expect((await set(name, { ...body, agentPorts: '7000-7002' })).json.host.agent.nextPort).toBe(7002)
    const other = await host()
    const refused = await set(other.name, { ...body, agentPorts: '7000-7001', allowDuplicate: true })
    expect(refused.json.error).toMatchObject({
      code: 'host.no_free_port',
      message:
        'All ports of 7000-7001 (agentPorts) are in use: 2 by programs on this host. Choose a wider range.',
    })
  })
})
