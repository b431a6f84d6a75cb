import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { CommandWorker } from '../commands/index.ts'
import { PlanningServer, SHOP } from './testing/planning-server.ts'

let planning: PlanningServer
beforeAll(async () => {
  planning = await PlanningServer.open()
})
afterAll(() => planning?.close())
afterEach(() => planning.reset())

it('a request for a log or a program that comes several times at once is one command', async () => {
  await planning.planAndApply(SHOP)
  const askAtOnce = async (kind: 'logs' | 'exec', request: object) => {
    const body = { commandId: randomUUID(), ...request }
    const path = `/api/services/shop%2Fdb/instances/1/${kind}`
    return Promise.all(Array.from({ length: 6 }, () => planning.post(path, body)))
  }
  for (const answers of [await askAtOnce('logs', {}), await askAtOnce('exec', { argv: ['true'] })]) {
    expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(202))
    expect(new Set(answers.map(({ json }) => json.command.id)).size).toBe(1)
  }
})

it('whoever reads logs has a bounded number of readings open on one host, and others are not held up by them', async () => {
  // Nothing is begun, so that all of them stay open.
  Object.assign(planning.server.app.get(CommandWorker, { strict: false }), { announce: () => undefined })
  await planning.planAndApply(SHOP)
  const viewer = { cookie: (await planning.server.person('v@example.com', 'viewer')).cookie }
  const read = (as: object) => planning.post('/api/services/shop%2Fdb/instances/1/logs', { follow: true }, as)
  const statuses: number[] = []
  for (let reading = 0; reading < 25; reading++) statuses.push((await read(viewer)).status)
  expect(statuses).toEqual([...Array(20).fill(202), ...Array(5).fill(429)])
  const refused = await read(viewer)
  expect([refused.code, refused.json.error.message]).toEqual([
    'instance.too_many_logs',
    expect.stringContaining('rollcall command'),
  ])
  const namesake = await planning.server.person('w@example.com', 'viewer')
  await planning.query("UPDATE app_user SET name = (SELECT name FROM app_user WHERE email = 'v@example.com')")
  expect((await read({ cookie: namesake.cookie })).status).toBe(202)
  expect((await read({ key: planning.server.localKey })).status).toBe(202)
})

it('the id of an operation that was asked for is refused for another one', async () => {
  await planning.planAndApply(SHOP)
  const operationId = randomUUID()
  const operate = (request: object) =>
    planning.post('/api/services/shop%2Fweb/operations', { operationId, ...request })
  expect((await operate({ action: 'stop' })).status).toBe(202)
  expect((await operate({ action: 'stop' })).status).toBe(202)
  for (const other of [{ action: 'start' }, { action: 'stop', slots: [1] }])
    expect((await operate(other)).code).toBe('request.invalid')
  expect(await planning.query("SELECT DISTINCT wanted FROM service WHERE name = 'web'")).toEqual([
    { wanted: 'stopped' },
  ])
})
