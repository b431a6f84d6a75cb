import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { addReportingHost } from '../testing/reporting-host.ts'
import { type TestRequest, TestServer } from '../testing/test-server.ts'

let server: TestServer
const hostIds = new Map<string, string>()

beforeAll(async () => {
  server = await TestServer.open()
  for (const name of ['app-1', 'app-2', 'app-3'])
    hostIds.set(name, await addReportingHost(server.test.database, name, { ports: [22] }))
})
afterAll(() => server?.[Symbol.asyncDispose]())
afterEach(async () => {
  await query('DELETE FROM service')
  await query('DELETE FROM service_plan')
  await query('DELETE FROM instance_volume')
  await query("UPDATE host SET state = 'online', labels = '{}'")
})

const query = (sql: string, values: unknown[] = []) => server.test.database.query(sql, values)
const post = (path: string, body?: object, as: TestRequest = { key: server.localKey }) =>
  server.ask(path, { method: 'POST', body: body ?? {}, ...as })
const get = async (path: string) => (await server.ask(path, { key: server.localKey })).json

const SHOP = `name: shop
services:
  web:
    image: registry.lan/web:1
    ports: ["80"]
    environment: {TOKEN: canary-4711}
    deploy: {replicas: 2}
    x-rollcall: {pull: host}
  db:
    image: registry.lan/db:1
    ports: ["5432:5432"]
    volumes: ["data:/data"]
    x-rollcall: {pull: host}
volumes:
  data:
`

async function planned(text: string, more: object = {}) {
  const { status, json, code } = await post('/api/service-plans', { text, ...more })
  if (status !== 200 || !json.plan) throw new Error(`${code}: ${JSON.stringify(json)}`)
  return json.plan
}
const apply = (id: string) => post(`/api/service-plans/${id}/apply`)
async function applied(text: string, more: object = {}) {
  const { status, json } = await apply((await planned(text, more)).id)
  if (status !== 202) throw new Error(JSON.stringify(json))
  return json
}
const count = async (table: string) => Number((await query(`SELECT count(*)::int AS n FROM ${table}`))[0]?.n)

describe('a plan of services', () => {
  it('all faults of a file come at once, each with its line and what to do, and nothing is stored', async () => {
    const text = `services:
  web:
    image: registry.lan/web:1
    build: .
    links: [db]
  db:
    image: "a b"
`
    const { status, json } = await post('/api/service-plans', { text })
    expect([status, json.plan]).toEqual([200, null])
    expect(json.faults.map(({ line, key, code }: never) => [line, key, code])).toEqual([
      [4, 'services.web.build', 'service.key_unsupported'],
      [5, 'services.web.links', 'service.key_unsupported'],
      [7, 'services.db.image', 'service.invalid'],
    ])
    for (const { reason, instead } of json.faults) expect([reason, instead]).not.toContain('')
    expect(await count('service_plan')).toBe(0)
  })

  it('an unknown image, a secret without a value and a file without a name are faults of the plan, by name and place', async () => {
    const text = `name: shop
services:
  web:
    image: registry.lan/nothing:1
    secrets: [db_password]
secrets: {db_password: {external: true}}
`
    const { json } = await post('/api/service-plans', { text })
    expect(json.faults).toMatchObject([
      { line: 4, key: 'services.web.image', code: 'image.not_found' },
      { line: 5, code: 'secret.not_found', instead: 'rollcall secret set db_password' },
    ])
    const nameless = await post('/api/service-plans', { text: SHOP.replace('name: shop\n', '') })
    expect(nameless.json.faults).toMatchObject([{ key: 'name', code: 'service.invalid' }])
    const named = await post('/api/service-plans', {
      text: SHOP.replace('name: shop\n', ''),
      project: 'other',
    })
    expect(named.json.plan).toMatchObject({ project: 'other' })
  })

  it('a service that a playbook makes is refused, since nothing would carry it out', async () => {
    const text = 'name: shop\nservices: {api: {x-rollcall: {playbook: mine/api, unit: api.service}}}\n'
    const { json } = await post('/api/service-plans', { text })
    expect(json).toMatchObject({ plan: null, faults: [{ code: 'service.key_unsupported', line: 2 }] })
  })

  it('a plan says where each instance would go with its score, and changes nothing', async () => {
    const plan = await planned(SHOP)
    expect(plan.services.map(({ service, action }: never) => [service, action])).toEqual([
      ['web', 'new'],
      ['db', 'new'],
    ])
    const [web] = plan.services
    expect(web.placements).toHaveLength(2)
    expect(web.placements[0].best[0]).toMatchObject({
      host: web.placements[0].host,
      score: expect.any(Number),
    })
    expect(web.placements[0].hosts).toBe(3)
    expect([await count('service'), await count('instance'), await count('instance_port')]).toEqual([0, 0, 0])
  })

  it('a plan that is asked for twice by one id is one plan, and the id of another request is refused', async () => {
    const planId = randomUUID()
    const [one, other] = [await planned(SHOP, { planId }), await planned(SHOP, { planId })]
    expect(other).toEqual(one)
    const different = await post('/api/service-plans', { text: SHOP.replace('web:1', 'web:2'), planId })
    expect([different.status, different.code]).toEqual([400, 'request.invalid'])
  })
})

describe('applying a plan', () => {
  it('instances get their host, ports, decision and history, and the same plan again answers the same', async () => {
    const plan = await planned(SHOP)
    const first = await apply(plan.id)
    expect([first.status, first.json.services.length]).toEqual([202, 2])
    const rows = await query('SELECT id, generation FROM instance ORDER BY id')
    const again = await apply(plan.id)
    expect(again.json).toEqual(first.json)
    expect(await query('SELECT id, generation FROM instance ORDER BY id')).toEqual(rows)
    const { service, instances } = await get('/api/services/shop%2Fweb')
    expect(service).toMatchObject({
      project: 'shop',
      name: 'web',
      replicas: 2,
      revision: 1,
      state: 'deploying',
    })
    expect(instances).toMatchObject([
      { name: 'shop/web.1', generation: 1, state: 'preparing', health: 'unknown', ports: [{ target: 80 }] },
      { name: 'shop/web.2' },
    ])
    const [{ host, ports }] = instances
    expect(host.name).toBe(plan.services[0].placements[0].host)
    expect(ports[0].published).toBe(plan.services[0].placements[0].ports[0].port)
    const events = (await get(`/api/services/${service.id}/events`)).events
    expect(events.map(({ kind, to }: never) => [kind, to])).toEqual([
      ['applied', 'new'],
      ['state', 'preparing'],
      ['state', 'preparing'],
    ])
    const db = await get('/api/services/shop%2Fdb')
    expect(db.volumes).toEqual([{ name: 'shop_data', hosts: [db.instances[0].host.name] }])
  })

  it('a fleet that has changed since the plan refuses it, and nothing is stored', async () => {
    const plan = await planned(SHOP)
    const [db] = plan.services.filter(({ service }: never) => service === 'db')
    await query("UPDATE host SET state = 'offline' WHERE name = $1", [db.placements[0].host])
    const { status, code } = await apply(plan.id)
    expect([status, code]).toEqual([409, 'service.plan_outdated'])
    expect(await count('service')).toBe(0)
  })

  it('of two plans that were made at once, the second to be applied is outdated', async () => {
    const [one, other] = [await planned(SHOP), await planned(SHOP.replace('web:1', 'web:2'))]
    const answers = await Promise.all([apply(one.id), apply(other.id)])
    expect(answers.map(({ status }) => status).sort()).toEqual([202, 409])
    expect(await count('instance')).toBe(3)
  })

  it('a fault in the middle of applying leaves nothing behind, and the plan can be applied afterwards', async () => {
    const plan = await planned(SHOP)
    await query(
      `CREATE FUNCTION break_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'broken'; END $$`,
    )
    await query('CREATE TRIGGER break_it BEFORE INSERT ON placement FOR EACH ROW EXECUTE FUNCTION break_it()')
    expect((await apply(plan.id)).status).toBeGreaterThanOrEqual(500)
    await query('DROP FUNCTION break_it CASCADE')
    for (const table of ['service', 'service_revision', 'instance', 'instance_port', 'instance_volume'])
      expect([table, await count(table)]).toEqual([table, 0])
    expect((await apply(plan.id)).status).toBe(202)
  })

  it('a changed service gets a revision and a generation for each instance, which wait for their turn', async () => {
    await applied(SHOP)
    const { services } = await applied(SHOP.replace('web:1', 'web:2'))
    expect(services).toMatchObject([{ name: 'web', action: 'changed', revision: 2 }])
    const { instances } = await get('/api/services/shop%2Fweb')
    expect(instances).toMatchObject([
      { generation: 2, revision: 2, isHeld: true },
      { generation: 2, revision: 2, isHeld: true },
    ])
    const { revisions } = await get('/api/services/shop%2Fweb/revisions')
    expect(revisions.map(({ number, changes }: never) => [number, changes])).toEqual([
      [
        2,
        [
          {
            path: 'services.web.image',
            before: 'registry.lan/web:1',
            after: 'registry.lan/web:2',
            isHidden: false,
          },
        ],
      ],
      [1, []],
    ])
    expect(
      (await planned(SHOP.replace('web:1', 'web:2'))).services.map(({ action }: never) => action),
    ).toEqual(['unchanged', 'unchanged'])
  })

  it('a slot that has to move gets a successor, and its old instance stays until that has its turn', async () => {
    await query("UPDATE host SET labels = jsonb_build_object('on', name)")
    const placed = (host: string) =>
      `name: shop\nservices: {web: {image: "web:1", x-rollcall: {pull: host, place: {select: "on=${host}"}}}}\n`
    await applied(placed('app-1'))
    const plan = await planned(placed('app-2'))
    expect(plan.services[0].placements[0]).toMatchObject({ host: 'app-2', from: 'app-1', isKept: false })
    expect((await apply(plan.id)).status).toBe(202)
    const { instances } = await get('/api/services/shop%2Fweb')
    const [old, successor] = instances
    expect([old.host.name, old.replacedBy, old.wanted]).toEqual(['app-1', successor.id, 'running'])
    expect(successor).toMatchObject({
      generation: 2,
      isHeld: true,
      host: { name: 'app-2' },
      replacedBy: null,
    })
  })

  it('a fixed port is given once: another project is planned elsewhere, and unplaced where it is taken everywhere', async () => {
    await applied(SHOP)
    const other = (name: string) => SHOP.replace('name: shop', `name: ${name}`)
    await applied(other('second'))
    await applied(other('third'))
    const rows = await query(
      "SELECT DISTINCT host_id FROM instance_port WHERE port = 5432 AND protocol = 'tcp'",
    )
    expect(rows).toHaveLength(3)
    const plan = await planned(other('fourth'))
    const db = plan.services.find(({ service }: never) => service === 'db')
    expect(db.placements[0].host).toBeNull()
    expect(db.placements[0].reason).toMatch(/^no host of 3: 3 use port tcp\/5432 \(app-\d: \w+\/db\.1, /)
  })

  it('services that are in the file no more stay until a plan prunes, and their volumes until they are named', async () => {
    await applied(SHOP)
    const web = SHOP.slice(0, SHOP.indexOf('  db:'))
    expect((await planned(web)).services).toMatchObject([
      { service: 'web' },
      { service: 'db', action: 'left_behind' },
    ])
    const wrong = await post('/api/service-plans', {
      text: web,
      prune: true,
      removedVolumes: ['shop_cache'],
    })
    expect([wrong.status, wrong.code]).toEqual([400, 'service.volume_not_found'])
    const unpruned = await post('/api/service-plans', { text: web, removedVolumes: ['shop_data'] })
    expect([unpruned.status, unpruned.code]).toEqual([400, 'request.invalid'])
    const { services } = await applied(web, { prune: true, removedVolumes: ['shop_data'] })
    expect(services).toMatchObject([{ name: 'db', action: 'removed' }])
    expect((await get('/api/services/shop%2Fdb')).service).toMatchObject({
      wanted: 'gone',
      state: 'removing',
    })
    expect(await query("SELECT removed_volumes AS volumes FROM service WHERE name = 'db'")).toEqual([
      { volumes: ['shop_data'] },
    ])
  })

  it('values of variables are in no table, and only those who may change services are shown them', async () => {
    await applied(SHOP)
    const changed = SHOP.replace('canary-4711', 'canary-4712')
    const plan = await planned(changed)
    expect((await apply(plan.id)).status).toBe(202)
    for (const table of [
      'service',
      'service_revision',
      'service_plan',
      'instance',
      'instance_event',
      'placement',
    ])
      expect(JSON.stringify(await query(`SELECT ${table}::text AS row FROM ${table}`))).not.toContain(
        'canary',
      )
    const viewer = { cookie: (await server.person('watcher@example.com', 'viewer')).cookie }
    const { json } = await server.ask('/api/services/shop%2Fweb/revisions', viewer)
    expect(json.revisions[0].changes).toEqual([
      { path: 'services.web.environment.TOKEN', before: null, after: null, isHidden: true },
    ])
    const shown = await get('/api/services/shop%2Fweb/revisions')
    expect(shown.revisions[0].changes[0]).toMatchObject({ before: 'canary-4711', after: 'canary-4712' })
    for (const path of [`plans/${plan.id}`, `plans/${plan.id}/text`])
      expect((await server.ask(`/api/service-${path}`, viewer)).status).toBe(403)
  })
})

describe('why an instance is where it is', () => {
  it('the decision is told, and a host that is named is judged filter by filter', async () => {
    await applied(SHOP)
    const { instances } = await get('/api/services/shop%2Fdb')
    const here = instances[0].host.name
    const there = [...hostIds.keys()].find((name) => name !== here)
    await query("UPDATE host SET state = 'offline' WHERE name = $1", [there])
    const why = await get(`/api/services/shop%2Fdb/instances/1/why?host=${there}`)
    expect(why).toMatchObject({ instance: 'shop/db.1', placement: { host: here, hosts: 3 } })
    expect(why.placement.best).toHaveLength(3)
    const failing = why.judgement.conditions.filter(({ passes }: never) => !passes)
    expect(failing.map(({ filter, evidence }: never) => [filter, evidence])).toEqual([
      ['state', 'offline'],
      ['volumes', null],
    ])
    expect([why.judgement.fits, why.judgement.current.host]).toEqual([false, here])
    const own = await get(`/api/services/shop%2Fdb/instances/1/why?host=${here}`)
    expect(own.judgement.fits).toBe(true)
    const missing = await server.ask('/api/services/shop%2Fdb/instances/9/why', { key: server.localKey })
    expect([missing.status, missing.code]).toEqual([404, 'instance.not_found'])
  })
})
