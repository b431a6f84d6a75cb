import type { AuditEntry } from '@rollcall/contracts/admin'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { TerminalInputRepository } from '../commands/index.ts'
import { addTestHost } from '../platform/testing/test-hosts.ts'
import { type TestRequest, TestServer } from '../testing/test-server.ts'

let server: TestServer
let count = 0

beforeAll(async () => {
  server = await TestServer.open()
  await addTestHost(server.test.database, { name: 'in', labels: { env: 'prod' }, at: new Date() })
  await server.person('root@example.com', 'admin')
})
afterAll(() => server?.[Symbol.asyncDispose]())

const query = (sql: string, values: unknown[] = []) => server.test.database.pool.query(sql, values)
const operator = () => server.person(`p${++count}@example.com`, 'operator', ['env=prod'])

const stateOf = async (id: string) =>
  (await query('SELECT state FROM command WHERE id = $1', [id])).rows[0].state

/** A terminal over SSH that another server holds. */
async function terminalOf(opener: TestRequest): Promise<string> {
  const body = { via: 'ssh', columns: 80, rows: 24 }
  const opened = await server.ask('/api/hosts/in/terminals', { method: 'POST', body, ...opener })
  const { id } = opened.json.command
  // This server finds no way to the host; what it says of that would come after the update.
  await expect.poll(() => stateOf(id), { timeout: 15_000 }).toBe('failed')
  await query(
    `UPDATE command SET state = 'running', ended_at = NULL, lease_owner = 'another'
     WHERE id = $1`,
    [id],
  )
  return id
}

const type = (id: string, text: string, as: TestRequest, offset = 0) =>
  server.ask(`/api/commands/${id}/input`, {
    method: 'POST',
    body: { offset, data: Buffer.from(text).toString('base64') },
    ...as,
  })
const resize = (id: string, as: TestRequest) =>
  server.ask(`/api/commands/${id}/size`, { method: 'POST', body: { columns: 100, rows: 30 }, ...as })
const writers = async (id: string, as: TestRequest) =>
  (await server.ask(`/api/commands/${id}/writers`, as)).json
const join = (id: string, as: TestRequest) =>
  server.ask(`/api/commands/${id}/writers`, { method: 'POST', ...as })

it('only whoever opened a terminal types into it, until another joins openly, and that stands in the audit log', async () => {
  const [opener, other, viewer] = [
    await operator(),
    await operator(),
    await server.person('v@example.com', 'viewer', ['env=prod']),
  ]
  const id = await terminalOf(opener)
  expect((await type(id, 'ls\n', opener)).json).toEqual({ nextOffset: 3 })
  expect((await type(id, 'rm -rf /\n', other, 3)).code).toBe('terminal.not_joined')
  expect((await type(id, 'rm -rf /\n', { key: server.localKey }, 3)).code).toBe('terminal.not_joined')
  expect((await resize(id, other)).code).toBe('terminal.not_joined')
  expect((await type(id, 'x', viewer, 3)).code).toBe('request.forbidden')
  expect((await join(id, viewer)).code).toBe('request.forbidden')
  expect(await writers(id, other)).toMatchObject({ writers: [{ joinedAt: null }], mayWrite: false })
  expect((await join(id, other)).json).toMatchObject({ mayWrite: true })
  expect((await type(id, 'ls\n', other, 3)).json).toEqual({ nextOffset: 6 })
  expect((await resize(id, other)).status).toBe(200)
  expect(await writers(id, opener)).toMatchObject({
    writers: [{ joinedAt: null }, { joinedAt: expect.any(String) }],
    mayWrite: true,
  })
  const { entries } = (await server.ask('/api/audit?limit=100', { key: server.localKey })).json
  const joined = (entries as AuditEntry[]).filter(
    ({ action, actor }) => action === 'joinTerminal' && actor?.id === other.id,
  )
  expect(joined.map(({ detail }) => detail)).toContainEqual(expect.objectContaining({ id }))
})

it('a key that may run commands and open no terminals types into none, not even its owner’s', async () => {
  const opener = await operator()
  const id = await terminalOf(opener)
  const body = { name: 'runner', permissions: ['commands:run', 'commands:read'], scope: ['env=prod'] }
  const { secret } = (await server.ask('/api/keys', { method: 'POST', body, key: server.localKey })).json
  expect((await type(id, 'x', { key: secret })).code).toBe('request.forbidden')
})

it('what is typed is sealed where it waits, and comes out as it went in', async () => {
  const opener = await operator()
  const id = await terminalOf(opener)
  await type(id, 'hunter2\n', opener)
  const { rows } = await query('SELECT data FROM terminal_input WHERE command_id = $1', [id])
  expect(rows).toHaveLength(1)
  expect(rows[0].data.toString('latin1')).not.toContain('hunter2')
  expect(rows[0].data.toString('latin1')).not.toContain(Buffer.from('hunter2').toString('base64').slice(0, 8))
  const taken = await server.app.get(TerminalInputRepository).take(id)
  expect(taken).toEqual([{ data: Buffer.from('hunter2\n') }])
})

const isEnding = async (id: string) =>
  (await server.ask(`/api/commands/${id}`, { key: server.localKey })).json.command.cancelRequested

it.each([
  ['is made a viewer', 'UPDATE app_user SET role = $$viewer$$ WHERE id = $1'],
  ['is disabled', 'UPDATE app_user SET is_disabled = true WHERE id = $1'],
  ['is removed', 'DELETE FROM app_user WHERE id = $1'],
  ['loses the host', `UPDATE app_user SET scope = '["env=test"]' WHERE id = $1`],
])('a terminal ends within 5 s when, on another server, its opener %s', async (_what, sql) => {
  const [opener, bystander] = [await operator(), await operator()]
  const [id, another] = [await terminalOf(opener), await terminalOf(bystander)]
  expect(await isEnding(id)).toBe(false)
  await query(sql, [opener.id])
  await expect.poll(() => isEnding(id), { timeout: 15_000 }).toBe(true)
  expect(await isEnding(another)).toBe(false)
})

it('a run in batches of who was removed meanwhile begins on no further host, and says why', async () => {
  await addTestHost(server.test.database, { name: 'in2', labels: { env: 'prod' }, at: new Date() })
  const asker = await operator()
  const body = { program: 'sleep', args: ['60'], hosts: ['in', 'in2'], limits: { concurrency: 1 } }
  const started = await server.ask('/api/runs', { method: 'POST', body, ...asker })
  const { runId } = started.json
  await query(
    `UPDATE command SET state = 'running', ended_at = NULL, lease_owner = 'another'
     WHERE run_id = $1 AND admitted_at IS NOT NULL`,
    [runId],
  )
  await query('DELETE FROM app_user WHERE id = $1', [asker.id])
  const states = async () =>
    (await query('SELECT state, reason FROM command WHERE run_id = $1 ORDER BY position', [runId])).rows
  await expect
    .poll(states, { timeout: 15_000 })
    .toMatchObject([
      { state: 'running' },
      { state: 'cancelled', reason: expect.stringContaining('removed or disabled') },
    ])
})
