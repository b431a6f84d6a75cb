import { afterAll, beforeAll, expect, it } from 'vitest'
import { CommandWorker } from '../commands/index.ts'
import { PlanningServer, SHOP } from './testing/planning-server.ts'

let planning: PlanningServer
beforeAll(async () => {
  planning = await PlanningServer.open()
})
afterAll(() => planning?.close())

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
  expect((await read({ key: planning.server.localKey })).status).toBe(202)
})
