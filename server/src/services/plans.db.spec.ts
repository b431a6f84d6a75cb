import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ServicesLock } from './services-lock.repository.ts'
import { PlanningServer, SHOP } from './testing/planning-server.ts'

let planning: PlanningServer
beforeAll(async () => {
  planning = await PlanningServer.open()
})
afterAll(() => planning?.close())
afterEach(() => planning.reset())

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
    const { status, json } = await planning.post('/api/service-plans', { text })
    expect([status, json.plan]).toEqual([200, null])
    expect(json.faults.map(({ line, key, code }: never) => [line, key, code])).toEqual([
      [4, 'services.web.build', 'service.key_unsupported'],
      [5, 'services.web.links', 'service.key_unsupported'],
      [7, 'services.db.image', 'service.invalid'],
    ])
    for (const { reason, instead } of json.faults) expect([reason, instead]).not.toContain('')
    expect(await planning.count('service_plan')).toBe(0)
  })

  it('an unknown image, a secret without a value and a file without a name are faults of the plan, by name and place', async () => {
    const text = `name: shop
services:
  web:
    image: registry.lan/nothing:1
    secrets: [db_password]
secrets: {db_password: {external: true}}
`
    const { json } = await planning.post('/api/service-plans', { text })
    expect(json.faults).toMatchObject([
      { line: 4, key: 'services.web.image', code: 'image.not_found' },
      { line: 5, code: 'secret.not_found', instead: 'rollcall secret set db_password' },
    ])
    const nameless = await planning.post('/api/service-plans', { text: SHOP.replace('name: shop\n', '') })
    expect(nameless.json.faults).toMatchObject([{ key: 'name', code: 'service.invalid' }])
    const named = await planning.post('/api/service-plans', {
      text: SHOP.replace('name: shop\n', ''),
      project: 'other',
    })
    expect(named.json.plan).toMatchObject({ project: 'other' })
  })

  it('a plan says where each instance would go with its score, and changes nothing', async () => {
    const plan = await planning.plan(SHOP)
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
    expect([
      await planning.count('service'),
      await planning.count('instance'),
      await planning.count('instance_port'),
    ]).toEqual([0, 0, 0])
  })

  it('a volume that another project has data in is refused, and one of a removed service of the project is noted', async () => {
    await planning.planAndApply(SHOP)
    const text =
      'name: crm\nservices: {db: {image: "registry.lan/db:1", volumes: ["data:/data"], x-rollcall: {pull: host}}}\n'
    const { json } = await planning.post('/api/service-plans', {
      text: `${text}volumes: {data: {name: shop_data}}\n`,
    })
    expect(json.faults).toMatchObject([{ line: 3, code: 'service.invalid' }])
    expect(json.faults[0].reason).toContain('shop/db')
    const renamed = await planning.plan(SHOP.replace('  db:\n', '  base:\n'), { prune: true })
    expect(renamed.notes.join()).toContain('base: the volume shop_data has data of shop/db on app-')
  })

  it('a plan that is asked for twice by one id is one plan, and the id of another request is refused', async () => {
    const planId = randomUUID()
    const [one, other] = [await planning.plan(SHOP, { planId }), await planning.plan(SHOP, { planId })]
    expect(other).toEqual(one)
    const different = await planning.post('/api/service-plans', {
      text: SHOP.replace('web:1', 'web:2'),
      planId,
    })
    expect([different.status, different.code]).toEqual([400, 'request.invalid'])
  })

  it('a file that is too large, or grows too large by its aliases, is refused before it is read further', async () => {
    const long = `name: shop\nservices: {web: {image: "web:1", command: ["${'x'.repeat(300_000)}"]}}\n`
    const { json } = await planning.post('/api/service-plans', { text: long })
    expect(json.faults).toMatchObject([{ code: 'request.too_large' }])
    const huge = await planning.post('/api/service-plans', { text: 'x'.repeat(10_000_000) })
    expect([huge.status, huge.code]).toEqual([413, 'request.too_large'])
    const levels = Array.from({ length: 9 }, (_, level) => {
      const items = Array(9).fill(level === 0 ? '"x"' : `*l${level - 1}`)
      return `x-${level}: &l${level} [${items.join(', ')}]`
    })
    const bomb = `${levels.join('\n')}\nname: shop\nservices: {web: {image: "web:1"}}\n`
    const exploded = await planning.post('/api/service-plans', { text: bomb })
    expect([exploded.status, exploded.json.plan]).toEqual([200, null])
    expect(await planning.count('service_plan')).toBe(0)
  })

  it('a file whose services have more instances in all than a plan may hold is refused before any is placed', async () => {
    const service = (name: string) =>
      `  ${name}: {image: "registry.lan/web:1", deploy: {replicas: 10000}, x-rollcall: {pull: host}}\n`
    const text = `name: shop\nservices:\n${['one', 'two', 'three', 'four'].map(service).join('')}`
    const { json } = await planning.post('/api/service-plans', { text })
    expect([json.plan, json.faults]).toMatchObject([
      null,
      [{ code: 'service.invalid', line: 5, key: 'services.three.deploy.replicas' }],
    ])
  })

  it('services that wait for each other in a circle, or share a volume that two may write to, are refused', async () => {
    const cycle = `name: shop
services:
  a: {image: "a:1", depends_on: [b]}
  b: {image: "b:1", depends_on: [a]}
`
    const { json } = await planning.post('/api/service-plans', { text: cycle })
    expect(json.faults).toMatchObject([
      { code: 'service.cycle', reason: expect.stringMatching(/a → b → a|b → a → b/) },
    ])
    const shared = `name: shop
services:
  db: {image: "db:1", volumes: ["data:/data"], x-rollcall: {volumes: {data: {move: shared}}}}
volumes: {data: }
`
    const unsafe = await planning.post('/api/service-plans', { text: shared })
    expect(unsafe.json.faults).toMatchObject([
      { code: 'service.invalid', instead: expect.stringContaining('say fence: lease or confirm') },
    ])
    expect(await planning.count('service')).toBe(0)
  })

  it('an image that no host can run is a fault of the plan, and one that some can run goes to those', async () => {
    await planning.addImage('registry.lan/arm', 'arm64')
    await planning.addImage('registry.lan/intel', 'amd64')
    const text = (image: string) => `name: shop\nservices:\n  web:\n    image: ${image}\n`
    const { json } = await planning.post('/api/service-plans', { text: text('registry.lan/arm:1') })
    expect(json.faults).toMatchObject([
      {
        code: 'image.architecture',
        line: 4,
        key: 'services.web.image',
        reason: 'is for arm64, and the hosts are amd64',
      },
    ])
    const plan = await planning.plan(text('registry.lan/intel:1'))
    expect(plan.services[0].images[0].digest).toMatch(/^sha256:[0-9a-f]{64}$/)
    expect(plan.services[0].placements[0].host).toMatch(/^app-/)
  })
})

describe('plans that wait to be applied', () => {
  /** Stores so many plans of somebody, each of so many bytes, and plans something as the local key. */
  async function beside(requester: string, count: number, bytes: number) {
    const own = await planning.plan(SHOP)
    await planning.query(
      `INSERT INTO service_plan (id, project, digest, content, requested_by, requester_id, created_at)
       SELECT gen_random_uuid(), 'x', 'x', decode(repeat('00', $3), 'hex'), 'ada', $1, now() FROM generate_series(1, $2)`,
      [requester, count, bytes],
    )
    const latest = await planning.plan(SHOP)
    const rows = await planning.query('SELECT id, requester_id FROM service_plan')
    return {
      own: [own, latest].map(({ id }) => rows.some((row) => row.id === id)),
      theirs: rows.filter((row) => row.requester_id === requester).length,
    }
  }

  it('the newest plans of one person are kept, and those of others are not shut out', async () => {
    expect(await beside('someone', 250, 1)).toEqual({ own: [true, true], theirs: 49 })
  })

  it('the largest part makes room where all together have too many bytes', async () => {
    const { own, theirs } = await beside('someone', 45, 8 * 1024 * 1024)
    expect([own, theirs]).toEqual([[true, true], 31])
  })
})

describe('many plans at once', () => {
  /** More than the database has connections for one server. */
  const COUNT = 24

  it('plans that are applied at the same moment wait for each other without a connection, so that the one whose turn it is ends', async () => {
    const text = (name: string) =>
      `name: ${name}\nservices: {web: {image: "registry.lan/web:1", x-rollcall: {pull: host}}}\n`
    const ids: string[] = []
    for (let number = 1; number <= COUNT; number++) ids.push((await planning.plan(text(`p${number}`))).id)
    const answers = await Promise.all(ids.map((id) => planning.apply(id)))
    const statuses = answers.map(({ status }) => status)
    // Those that came later would go to other hosts by now.
    expect(statuses.filter((status) => status !== 202 && status !== 409)).toEqual([])
    expect(statuses).toContain(202)
  })

  it('a plan that takes long to be made anew keeps its transaction, and no other transaction may be idle for longer', async () => {
    const shown = 'SHOW idle_in_transaction_session_timeout'
    const lock = planning.server.app.get(ServicesLock, { strict: false })
    expect(await lock.alone((sql) => sql.query(shown))).toEqual([
      { idle_in_transaction_session_timeout: '1min' },
    ])
    expect(await planning.query(shown)).toEqual([{ idle_in_transaction_session_timeout: '5s' }])
  })
})
