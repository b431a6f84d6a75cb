import { once } from 'node:events'
import { type LiveEvent, type LiveRequest, liveEvent } from '@rollcall/contracts/admin'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { addReportingHost } from '../testing/reporting-host.ts'
import { TestServer } from '../testing/test-server.ts'

type ServicesEvent = LiveEvent & { type: 'services' }

const BOUND = { timeout: 15_000, interval: 20 }
const FILE = `name: shop
services:
  web:
    image: registry.lan/web:1
    deploy: {replicas: 2}
    x-rollcall: {pull: host, place: {max_per_host: 1}}
`
const SPREAD = `name: big
services:
  web:
    image: registry.lan/web:1
    deploy: {replicas: 600}
    x-rollcall: {pull: host, place: {select: never=1}}
`

let server: TestServer
let people = 0

beforeAll(async () => {
  server = await TestServer.open()
  await addReportingHost(server.test.database, 'in', { labels: { env: 'prod' } })
  await addReportingHost(server.test.database, 'out', { labels: { env: 'test' } })
  await server.person('root@example.com', 'admin')
})
afterAll(() => server?.[Symbol.asyncDispose]())
beforeEach(async () => {
  await query('DELETE FROM service')
  await query(
    "UPDATE host SET labels = jsonb_build_object('env', CASE name WHEN 'in' THEN 'prod' ELSE 'test' END)",
  )
})

const query = (sql: string, values: unknown[] = []) => server.test.database.query(sql, values)
const setState = (slot: number, state: string) =>
  query('UPDATE instance SET state = $2, state_since = now() WHERE slot = $1', [slot, state])

async function apply(text: string): Promise<string> {
  const post = (path: string, body: object) =>
    server.ask(path, { method: 'POST', body, key: server.localKey })
  const { json, code } = await post('/api/service-plans', { text })
  if (!json.plan) throw new Error(`${code}: ${JSON.stringify(json)}`)
  const applied = await post(`/api/service-plans/${json.plan.id}/apply`, {})
  return applied.json.services[0].id
}

/** Returns somebody who watches services, with what they received. */
async function viewer(
  request: Partial<LiveRequest & { type: 'watch-services' }> = {},
  scope: string[] | null = null,
) {
  const { id, cookie } = await server.person(`p${++people}@example.com`, 'viewer', scope)
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/ws`, {
    headers: { cookie, origin: server.url },
  })
  const events: LiveEvent[] = []
  socket.on('message', (data) => events.push(liveEvent.parse(JSON.parse(String(data)))))
  await once(socket, 'open')
  socket.send(JSON.stringify({ type: 'watch-services', ...request }))
  const received = () => events.filter((event): event is ServicesEvent => event.type === 'services')
  await expect.poll(() => received().some(({ isComplete }) => isComplete), BOUND).toBe(true)
  return { id, socket, events, received, marks: () => standing(received()) }
}

/** Returns what somebody holds who received all this: the state of each instance by its slot and host. */
function standing(events: readonly ServicesEvent[]): string[] {
  const held = new Map<string, { serviceId: string; text: string }>()
  for (const { isSnapshot, marks, removedInstances, removedServices } of events) {
    if (isSnapshot) held.clear()
    for (const { id, serviceId, slot, host, state } of marks)
      held.set(id, { serviceId, text: `.${slot} ${host?.name} ${state}` })
    for (const id of removedInstances) held.delete(id)
    for (const [id, { serviceId }] of held) if (removedServices.includes(serviceId)) held.delete(id)
  }
  return [...held.values()].map(({ text }) => text).sort()
}

describe('services that somebody watches', () => {
  it('a viewer is told everything once, and then each change as soon as the database says so', async () => {
    await apply(FILE)
    const one = await viewer()
    const [first] = one.received()
    expect([first?.isSnapshot, first?.services.length, first?.marks.length]).toEqual([true, 1, 2])
    const before = one.received().length
    await setState(1, 'failed')
    await expect.poll(() => one.received().length, BOUND).toBeGreaterThan(before)
    expect(one.received()[before]).toMatchObject({
      isSnapshot: false,
      marks: [{ slot: 1, state: 'failed' }],
      services: [{ name: 'web' }],
    })
    await query('DELETE FROM service')
    await expect.poll(one.marks, BOUND).toEqual([])
    one.socket.terminate()
  })

  it('many changes in a moment come as few messages, and a lease that moves comes as none', async () => {
    await apply(FILE)
    const one = await viewer()
    await expect.poll(() => one.marks().length, BOUND).toBe(2)
    const before = one.received().length
    const startedAt = performance.now()
    for (let i = 0; i < 40; i++) await setState(1, i % 2 === 0 ? 'starting' : 'failed')
    await query("UPDATE instance SET due_at = now(), lease_owner = 'another'")
    await expect.poll(() => one.marks()[0], BOUND).toMatch(/failed$/)
    const count = one.received().length - before
    expect(count).toBeLessThanOrEqual(2 + Math.ceil((performance.now() - startedAt) / 250))
    one.socket.terminate()
  })

  it('six hundred instances are told in parts, the last of which says that it is whole', async () => {
    await apply(SPREAD)
    const one = await viewer()
    expect(one.received().map(({ marks, isComplete }) => [marks.length, isComplete])).toEqual([
      [500, false],
      [100, true],
    ])
    one.socket.terminate()
  })

  it('one service is told with whole instances, and nothing of others', async () => {
    const serviceId = await apply(FILE)
    await apply(FILE.replace('shop', 'blog'))
    const one = await viewer({ serviceId })
    const [first] = one.received()
    expect(first?.services.map(({ project }) => project)).toEqual(['shop'])
    expect(first?.instances.map(({ name }) => name)).toEqual(['shop/web.1', 'shop/web.2'])
    const before = one.received().length
    await query("UPDATE instance SET state = 'failed' WHERE service_id <> $1", [serviceId])
    await query("UPDATE instance SET reason = 'exit 1' WHERE service_id = $1 AND slot = 2", [serviceId])
    await expect.poll(() => one.received().length, BOUND).toBeGreaterThan(before)
    expect(
      one
        .received()
        .slice(before)
        .flatMap(({ instances }) => instances.map(({ reason }) => reason)),
    ).toEqual(['exit 1'])
    one.socket.terminate()
  })

  it('a viewer of some hosts sees their instances alone, and loses one whose host leaves the labels', async () => {
    await apply(FILE)
    const one = await viewer({}, ['env=prod'])
    expect(one.marks().map((text) => text.split(' ')[1])).toEqual(['in'])
    expect(JSON.stringify(one.events)).not.toContain('"out"')
    await query('UPDATE host SET labels = \'{"env": "other"}\' WHERE name = \'in\'')
    await expect.poll(one.marks, BOUND).toEqual([])
    await query('UPDATE host SET labels = \'{"env": "prod"}\' WHERE name = \'in\'')
    await expect.poll(() => one.marks().length, BOUND).toBe(1)
    one.socket.terminate()
  })

  it('a viewer whose scope is narrowed is sent what is left, and one who is disabled is cut off', async () => {
    await apply(FILE)
    const one = await viewer()
    await query(`UPDATE app_user SET scope = '["env=test"]' WHERE id = $1`, [one.id])
    await expect
      .poll(() => one.received().at(-1), BOUND)
      .toMatchObject({
        isSnapshot: true,
        marks: [{ host: { name: 'out' } }],
      })
    const closed = once(one.socket, 'close')
    await query('UPDATE app_user SET is_disabled = true WHERE id = $1', [one.id])
    expect((await closed)[0]).toBe(4401)
  })
})
