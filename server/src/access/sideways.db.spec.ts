import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addTestHost } from '../platform/testing/test-hosts.ts'
import { type TestRequest, TestServer } from '../testing/test-server.ts'

let server: TestServer
/** May act on the hosts with env=prod alone. */
let operator: TestRequest
let viewer: TestRequest
let admin: TestRequest

beforeAll(async () => {
  server = await TestServer.open()
  const at = new Date()
  const { database } = server.test
  await addTestHost(database, { name: 'in', labels: { env: 'prod', role: 'web' }, at })
  await addTestHost(database, { name: 'out', labels: { env: 'test' }, at })
  admin = { cookie: (await server.person('root@example.com', 'admin')).cookie }
  operator = { cookie: (await server.person('o@example.com', 'operator', ['env=prod'])).cookie }
  viewer = { cookie: (await server.person('v@example.com', 'viewer', ['env=prod'])).cookie }
})
afterAll(() => server?.[Symbol.asyncDispose]())

const query = (sql: string, values: unknown[] = []) => server.test.database.pool.query(sql, values)
const post = (path: string, body: object, as: TestRequest = admin) =>
  server.ask(path, { method: 'POST', body, ...as })
async function made(path: string, body: object) {
  const { status, json } = await post(path, body)
  if (status >= 300) throw new Error(`${path}: ${JSON.stringify(json)}`)
  return json
}
const names = async (path: string, list: string, as: TestRequest) =>
  (await server.ask(path, as)).json[list].map(({ name }: { name: string }) => name)

const TARGETS = {
  ours: { labels: ['env=prod'] },
  narrower: { labels: ['env=prod', 'role=web'] },
  named: { hosts: ['in'] },
  wider: { labels: ['env in (prod,test)'] },
  foreign: { labels: ['env=test'] },
  mixed: { hosts: ['in', 'out'] },
  whole: { all: true },
}
const OURS = ['named', 'narrower', 'ours']

describe('whoever may act on some hosts only', () => {
  it('a scoped caller sees saved commands and schedules whose target lies within the scope, and no trace of others', async () => {
    const sealed = { env: { TOKEN: 'hush' } }
    for (const [name, target] of Object.entries(TARGETS)) {
      await made('/api/saved-commands', { name, program: 'true', target, ...sealed })
      const command = { program: 'true' }
      await made('/api/schedules', { name, cron: '0 0 1 1 *', command, target, isEnabled: false })
    }
    await made('/api/saved-commands', { name: 'anywhere', program: 'true' })
    await made('/api/saved-commands', { name: 'anywhere-sealed', program: 'true', ...sealed })
    for (const as of [operator, viewer]) {
      expect(await names('/api/saved-commands', 'savedCommands', as)).toEqual(['anywhere', ...OURS])
      expect(await names('/api/schedules', 'schedules', as)).toEqual(OURS)
      for (const kind of ['saved-commands', 'schedules']) {
        const answered = async (name: string) => {
          const { status, json } = await server.ask(`/api/${kind}/${name}`, as)
          return JSON.stringify([status, json]).replaceAll(name, 'NAME')
        }
        expect((await server.ask(`/api/${kind}/ours`, as)).status).toBe(200)
        for (const name of ['foreign', 'wider', 'mixed', 'whole'])
          expect(await answered(name)).toBe(await answered('no-such-thing'))
      }
    }
    const run = (name: string) =>
      post(`/api/saved-commands/${name}/run`, { target: { hosts: ['in'] } }, operator)
    for (const name of ['foreign', 'whole', 'anywhere-sealed', 'no-such-thing'])
      expect([name, (await run(name)).code]).toEqual([name, 'saved_command.not_found'])
    expect((await run('anywhere')).status).toBe(202)
    expect((await run('ours')).status).toBe(202)
  })

  it('a scoped caller is not shown the saved command of a schedule if that command reaches further', async () => {
    const target = TARGETS.ours
    await made('/api/schedules', {
      name: 'borrowed',
      cron: '0 0 1 1 *',
      savedCommand: 'anywhere-sealed',
      target,
    })
    const { json } = await server.ask('/api/schedules/borrowed', operator)
    expect(json.schedule).toMatchObject({ name: 'borrowed', savedCommand: null })
    const whole = await server.ask('/api/schedules/borrowed', admin)
    expect(whole.json.schedule.savedCommand).toBe('anywhere-sealed')
  })

  it('a scoped caller is told of hosts left out of a run only if they are in the scope', async () => {
    await query(
      `UPDATE agent SET installed_at = NULL WHERE host_id = (SELECT id FROM host WHERE name = 'out')`,
    )
    const { runId, skipped } = await made('/api/runs', { program: 'true', all: true })
    expect(skipped).toEqual([{ host: 'out', reason: expect.any(String) }])
    const shown = (await server.ask(`/api/runs/${runId}`, operator)).json.run
    expect([shown.total, shown.skipped]).toEqual([1, []])
    expect(JSON.stringify((await server.ask('/api/runs', operator)).json)).not.toContain('"out"')
    expect(JSON.stringify((await server.ask(`/api/runs/${runId}/summary`, operator)).json)).not.toContain(
      '"out"',
    )
    expect((await server.ask(`/api/runs/${runId}`, admin)).json.run.skipped).toEqual(skipped)
    await query('UPDATE agent SET installed_at = now() WHERE installed_at IS NULL')
  })

  it('a scoped caller does not see what was done on a host that is gone, whose labels nobody knows any more', async () => {
    await addTestHost(server.test.database, { name: 'gone', labels: { env: 'test' }, at: new Date() })
    const { runId, commands } = await made('/api/runs', { program: 'true', hosts: ['gone'] })
    await query("DELETE FROM host WHERE name = 'gone'")
    for (const as of [operator, viewer]) {
      for (const path of [
        `/api/runs/${runId}`,
        `/api/runs/${runId}/order`,
        `/api/commands/${commands[0].id}`,
      ])
        expect([path, (await server.ask(path, as)).status]).toEqual([path, 404])
      expect(JSON.stringify((await server.ask('/api/runs', as)).json)).not.toContain(runId)
    }
    expect((await server.ask(`/api/runs/${runId}`, admin)).status).toBe(200)
  })

  it('a scoped caller sees and assigns only heartbeat profiles that fit the scope', async () => {
    const profile = { minMs: 60_000, maxMs: 60_000 }
    await made('/api/heartbeat-profiles', { name: 'of-ours', ...profile, labels: { role: 'web' } })
    await made('/api/heartbeat-profiles', { name: 'of-others', ...profile, labels: { env: 'test' } })
    await made('/api/heartbeat-profiles', { name: 'for-any', ...profile, labels: null })
    expect(await names('/api/heartbeat-profiles', 'profiles', viewer)).toEqual([
      'default',
      'for-any',
      'high-availability',
      'of-ours',
    ])
    const give = async (name: string) => {
      const change = { method: 'PATCH', body: { heartbeatProfile: name }, ...operator }
      const { json } = await server.ask('/api/hosts/in', change)
      return JSON.stringify(json).replaceAll(name, 'NAME')
    }
    expect(await give('of-others')).toBe(await give('no-such-one'))
    expect(await give('no-such-one')).not.toContain('of-others')
    expect(await give('for-any')).toContain('"heartbeatProfile":"NAME"')
  })

  it('a scoped caller sees and runs only collections of playbooks that are for its hosts', async () => {
    const add = (name: string, labels: string[] | null) =>
      query(
        `WITH added AS (INSERT INTO playbook_collection (name, version, labels) VALUES ($1, $2, $3::jsonb))
         INSERT INTO playbook_collection_version (name, version, source, playbooks, file_count, bytes, added_by, added_at)
         VALUES ($1, $2, $4, $5, 1, 1, 'root', now())`,
        [
          name,
          '0'.repeat(64),
          labels && JSON.stringify(labels),
          JSON.stringify({ kind: 'git', url: `https://git.example/${name}.git`, commit: '0'.repeat(40) }),
          JSON.stringify([
            { name: `${name}/site`, title: name, description: '', variables: [], version: '0'.repeat(64) },
          ]),
        ],
      )
    await add('c-whole', null)
    await add('c-ours', ['env=prod'])
    await add('c-wider', ['env'])
    await add('c-foreign', ['env=test'])
    expect(await names('/api/playbook-collections', 'collections', viewer)).toEqual(['c-ours', 'c-wider'])
    const listed = JSON.stringify((await server.ask('/api/playbooks', operator)).json)
    expect(listed).toContain('c-ours/site')
    const answered = async (path: string, name: string, asked: TestRequest) =>
      JSON.stringify(
        (await server.ask(path.replace('NAME', encodeURIComponent(name)), asked)).json,
      ).replaceAll(name, 'NAME')
    for (const name of ['c-whole/site', 'c-foreign/site']) {
      expect(listed).not.toContain(name)
      const show = ['/api/playbooks/NAME', operator] as const
      expect(await answered(show[0], name, show[1])).toBe(await answered(show[0], 'no-such/site', show[1]))
      const run = { method: 'POST', body: { hosts: ['in'], mode: 'run' }, ...operator }
      expect(await answered('/api/playbooks/NAME/run', name, run)).toBe(
        await answered('/api/playbooks/NAME/run', 'no-such/site', run),
      )
    }
    expect(await names('/api/playbook-collections', 'collections', admin)).toHaveLength(4)
  })

  it('a scoped caller cannot relabel a host into the targets of others or out of its own scope', async () => {
    const labels = { env: 'prod', role: 'web' }
    const change = (body: object, as: TestRequest) =>
      server.ask('/api/hosts/in', { method: 'PATCH', body, ...as })
    for (const wrong of [
      { ...labels, team: 'db' },
      { env: 'prod' },
      { env: 'prod', role: 'db' },
      { role: 'web' },
    ])
      expect([wrong, (await change({ labels: wrong }, operator)).code]).toEqual([
        wrong,
        'access.outside_scope',
      ])
    expect((await change({ labels }, operator)).status).toBe(200)
    const delegated = ['env in (prod,stage)', 'role!=db']
    const other = { cookie: (await server.person('d@example.com', 'operator', delegated)).cookie }
    expect((await change({ labels: { env: 'stage', role: 'cache' } }, other)).status).toBe(200)
    expect((await change({ labels: { env: 'stage', role: 'db' } }, other)).code).toBe('access.outside_scope')
    expect((await change({ labels }, other)).status).toBe(200)
    const add = (more: object) =>
      post(
        '/api/hosts',
        {
          name: `n${randomUUID().slice(0, 8)}`,
          address: '192.0.2.1',
          user: 'root',
          credential: { type: 'password', password: 'x' },
          labels: more,
        },
        operator,
      )
    expect((await add({ env: 'prod', team: 'db' })).code).toBe('access.outside_scope')
    expect((await add({ env: 'test' })).code).toBe('access.outside_scope')
    expect((await add({})).code).toBe('access.outside_scope')
    expect((await add({ env: 'prod' })).status).toBeLessThan(300)
  })
})

it('a request repeated by another caller with the same id reveals nothing of the run', async () => {
  const body = { runId: randomUUID(), program: 'true', hosts: ['in'] }
  expect((await post('/api/runs', body)).status).toBe(202)
  expect((await post('/api/runs', body)).status).toBe(202)
  const again = await post('/api/runs', body, operator)
  expect([again.code, again.json.commands]).toEqual(['command.id_conflict', undefined])
})
