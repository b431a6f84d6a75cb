import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { ApplyRepository } from './apply.repository.ts'
import { ServicesLock } from './services-lock.repository.ts'
import { PlanningServer, SHOP } from './testing/planning-server.ts'

let planning: PlanningServer
beforeAll(async () => {
  planning = await PlanningServer.open()
})
afterAll(() => planning?.close())
afterEach(() => planning.reset())

describe('applying a plan', () => {
  it('instances get their host, ports, decision and history, and the same plan again answers the same', async () => {
    const plan = await planning.plan(SHOP)
    const first = await planning.apply(plan.id)
    expect([first.status, first.json.services.length]).toEqual([202, 2])
    const rows = await planning.query('SELECT id, generation FROM instance ORDER BY id')
    const again = await planning.apply(plan.id)
    expect(again.json).toEqual(first.json)
    expect(await planning.query('SELECT id, generation FROM instance ORDER BY id')).toEqual(rows)
    const { service, instances } = await planning.get('/api/services/shop%2Fweb')
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
    const events = (await planning.get(`/api/services/${service.id}/events`)).events
    expect(events.map(({ kind, to }: never) => [kind, to])).toEqual([
      ['applied', 'new'],
      ['state', 'preparing'],
      ['state', 'preparing'],
    ])
    const db = await planning.get('/api/services/shop%2Fdb')
    expect(db.volumes).toEqual([{ name: 'shop_data', hosts: [db.instances[0].host.name] }])
  })

  it('a fleet that has changed since the plan refuses it, and nothing is stored', async () => {
    const plan = await planning.plan(SHOP)
    const [db] = plan.services.filter(({ service }: never) => service === 'db')
    await planning.query("UPDATE host SET state = 'offline' WHERE name = $1", [db.placements[0].host])
    const { status, code } = await planning.apply(plan.id)
    expect([status, code]).toEqual([409, 'service.plan_outdated'])
    expect(await planning.count('service')).toBe(0)
  })

  it('of two plans that were made at once, the second to be applied is outdated', async () => {
    const [one, other] = [await planning.plan(SHOP), await planning.plan(SHOP.replace('web:1', 'web:2'))]
    const answers = await Promise.all([planning.apply(one.id), planning.apply(other.id)])
    expect(answers.map(({ status }) => status).sort()).toEqual([202, 409])
    expect(await planning.count('instance')).toBe(3)
  })

  it('a fault in the middle of applying leaves nothing behind, and the plan can be applied afterwards', async () => {
    const plan = await planning.plan(SHOP)
    await planning.query(
      `CREATE FUNCTION break_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'broken'; END $$`,
    )
    await planning.query(
      'CREATE TRIGGER break_it BEFORE INSERT ON placement FOR EACH ROW EXECUTE FUNCTION break_it()',
    )
    expect((await planning.apply(plan.id)).status).toBeGreaterThanOrEqual(500)
    await planning.query('DROP FUNCTION break_it CASCADE')
    for (const table of ['service', 'service_revision', 'instance', 'instance_port', 'instance_volume'])
      expect([table, await planning.count(table)]).toEqual([table, 0])
    expect((await planning.apply(plan.id)).status).toBe(202)
  })

  it('a changed service gets a revision and a generation for each instance, which wait for their turn', async () => {
    await planning.planAndApply(SHOP)
    const { services } = await planning.planAndApply(SHOP.replace('web:1', 'web:2'))
    expect(services).toMatchObject([{ name: 'web', action: 'changed', revision: 2 }])
    const { instances } = await planning.get('/api/services/shop%2Fweb')
    expect(instances).toMatchObject([
      { generation: 2, revision: 2, isHeld: true },
      { generation: 2, revision: 2, isHeld: true },
    ])
    const { revisions } = await planning.get('/api/services/shop%2Fweb/revisions')
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
      (await planning.plan(SHOP.replace('web:1', 'web:2'))).services.map(({ action }: never) => action),
    ).toEqual(['unchanged', 'unchanged'])
  })

  it('an instance that gets another order where it is, is said to be replaced there, and one that gets none is not', async () => {
    await planning.planAndApply(SHOP)
    const { services } = await planning.plan(SHOP.replace('canary-4711', 'canary-4712'))
    const shown = services.map(({ placements }: { placements: { isKept: boolean; isReplaced: boolean }[] }) =>
      placements.map(({ isKept, isReplaced }) => [isKept, isReplaced]),
    )
    expect(shown).toEqual([
      [
        [true, true],
        [true, true],
      ],
      [[true, false]],
    ])
  })

  it('a slot that has to move gets a successor, and its old instance stays until that has its turn', async () => {
    await planning.query("UPDATE host SET labels = jsonb_build_object('on', name)")
    const placed = (host: string) =>
      `name: shop\nservices: {web: {image: "web:1", x-rollcall: {pull: host, place: {select: "on=${host}"}}}}\n`
    await planning.planAndApply(placed('app-1'))
    const plan = await planning.plan(placed('app-2'))
    expect(plan.services[0].placements[0]).toMatchObject({ host: 'app-2', from: 'app-1', isKept: false })
    expect((await planning.apply(plan.id)).status).toBe(202)
    const { instances } = await planning.get('/api/services/shop%2Fweb')
    const [old, successor] = instances
    expect([old.host.name, old.replacedBy, old.wanted]).toEqual(['app-1', successor.id, 'running'])
    expect(successor).toMatchObject({
      generation: 2,
      isHeld: true,
      host: { name: 'app-2' },
      replacedBy: null,
    })
  })

  it('the last three decisions of a slot are kept, with what each was made of', async () => {
    for (const tag of [1, 2, 3, 4, 5]) await planning.planAndApply(SHOP.replace('web:1', `web:${tag}`))
    const rows = await planning.query(
      `SELECT slot, array_agg(generation ORDER BY id) AS generations FROM placement
       WHERE service_id = (SELECT id FROM service WHERE name = 'web') GROUP BY slot ORDER BY slot`,
    )
    expect(rows).toEqual([
      { slot: 1, generations: [3, 4, 5] },
      { slot: 2, generations: [3, 4, 5] },
    ])
  })

  it('a fixed port is given once: another project is planned elsewhere, and unplaced where it is taken everywhere', async () => {
    await planning.planAndApply(SHOP)
    const other = (name: string) => SHOP.replace('name: shop', `name: ${name}`)
    await planning.planAndApply(other('second'))
    await planning.planAndApply(other('third'))
    const rows = await planning.query(
      "SELECT DISTINCT host_id FROM instance_port WHERE port = 5432 AND protocol = 'tcp'",
    )
    expect(rows).toHaveLength(3)
    const plan = await planning.plan(other('fourth'))
    const db = plan.services.find(({ service }: never) => service === 'db')
    expect(db.placements[0].host).toBeNull()
    expect(db.placements[0].reason).toMatch(/^no host of 3: 3 use port tcp\/5432 \(app-\d: \w+\/db\.1, /)
  })

  it('services that are in the file no more stay until a plan prunes, and their volumes until they are named', async () => {
    await planning.planAndApply(SHOP)
    const web = SHOP.slice(0, SHOP.indexOf('  db:'))
    expect((await planning.plan(web)).services).toMatchObject([
      { service: 'web' },
      { service: 'db', action: 'left_behind' },
    ])
    const wrong = await planning.post('/api/service-plans', {
      text: web,
      prune: true,
      removedVolumes: ['shop_cache'],
    })
    expect([wrong.status, wrong.code]).toEqual([404, 'service.volume_not_found'])
    const unpruned = await planning.post('/api/service-plans', { text: web, removedVolumes: ['shop_data'] })
    expect([unpruned.status, unpruned.code]).toEqual([400, 'request.invalid'])
    const { services } = await planning.planAndApply(web, { prune: true, removedVolumes: ['shop_data'] })
    expect(services).toMatchObject([{ name: 'db', action: 'removed' }])
    expect((await planning.get('/api/services/shop%2Fdb')).service).toMatchObject({
      wanted: 'gone',
      state: 'removing',
    })
    expect(await planning.query("SELECT removed_volumes AS volumes FROM service WHERE name = 'db'")).toEqual([
      { volumes: ['shop_data'] },
    ])
  })

  it('values of variables are in no table, and only those who may change services are shown them', async () => {
    await planning.planAndApply(SHOP)
    const changed = SHOP.replace('canary-4711', 'canary-4712')
    const plan = await planning.plan(changed)
    expect((await planning.apply(plan.id)).status).toBe(202)
    for (const table of [
      'service',
      'service_revision',
      'service_plan',
      'instance',
      'instance_event',
      'placement',
    ])
      expect(
        JSON.stringify(await planning.query(`SELECT ${table}::text AS row FROM ${table}`)),
      ).not.toContain('canary')
    const viewer = { cookie: (await planning.server.person('watcher@example.com', 'viewer')).cookie }
    const { json } = await planning.server.ask('/api/services/shop%2Fweb/revisions', viewer)
    expect(json.revisions[0].changes).toEqual([
      { path: 'services.web.environment.TOKEN', before: null, after: null, isHidden: true },
    ])
    const shown = await planning.get('/api/services/shop%2Fweb/revisions')
    expect(shown.revisions[0].changes[0]).toMatchObject({ before: 'canary-4711', after: 'canary-4712' })
    for (const path of [`plans/${plan.id}`, `plans/${plan.id}/text`])
      expect((await planning.server.ask(`/api/service-${path}`, viewer)).status).toBe(403)
  })

  it('an image whose tag has moved since the plan makes the plan outdated, and used images and secrets cannot be removed', async () => {
    const text =
      'name: shop\nservices: {web: {image: "registry.lan/web:1", secrets: [token]}}\nsecrets: {token: {external: true}}\n'
    await planning.addImage('registry.lan/web', 'amd64')
    await planning.post('/api/secrets', { name: 'token', data: Buffer.from('hush').toString('base64') })
    const plan = await planning.plan(text)
    await planning.query('DELETE FROM image')
    const imageId = await planning.addImage('registry.lan/web', 'amd64')
    expect((await planning.apply(plan.id)).code).toBe('service.plan_outdated')
    await planning.planAndApply(text)
    const remove = (path: string) =>
      planning.server.ask(path, { method: 'DELETE', key: planning.server.localKey })
    expect((await remove('/api/secrets/token')).code).toBe('secret.in_use')
    expect((await remove(`/api/images/${imageId}`)).code).toBe('image.in_use')
    const { secrets } = await planning.get('/api/services/shop%2Fweb')
    expect(secrets).toEqual([{ name: 'token', version: 1 }])
  })
})

describe('what is asked while a plan is applied', () => {
  /** Holds a plan after it was made anew, until `meanwhile` is answered or waits for it. */
  async function applyBeside(planId: string, meanwhile: () => Promise<{ status: number; code?: string }>) {
    const reached = Promise.withResolvers<void>()
    const held = Promise.withResolvers<void>()
    const rows = planning.server.app.get(ApplyRepository, { strict: false })
    const original = rows.upsertService.bind(rows)
    vi.spyOn(rows, 'upsertService').mockImplementationOnce(async (...args) => {
      reached.resolve()
      await held.promise
      return original(...args)
    })
    const applied = planning.apply(planId)
    await reached.promise
    const locked = vi.spyOn(planning.server.app.get(ServicesLock, { strict: false }), 'alone')
    let isAnswered = false
    const other = meanwhile().finally(() => {
      isAnswered = true
    })
    const isWaiting = async () => {
      const waiting = await planning.query(
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
      )
      return isAnswered || waiting.length > 0 || locked.mock.calls.length > 0
    }
    await vi.waitFor(async () => expect(await isWaiting()).toBe(true), 5000).finally(held.resolve)
    vi.restoreAllMocks()
    return { applied: await applied, other: await other }
  }

  it('an image that the plan uses is not removed', async () => {
    const id = await planning.addImage('registry.lan/web', 'amd64')
    const plan = await planning.plan('name: shop\nservices: {web: {image: "registry.lan/web:1"}}\n')
    const { applied, other } = await applyBeside(plan.id, () =>
      planning.server.ask(`/api/images/${id}`, { method: 'DELETE', key: planning.server.localKey }),
    )
    expect([applied.status, other.status, other.code]).toEqual([202, 409, 'image.in_use'])
    expect(await planning.count('image')).toBe(1)
  })

  it.each([
    ['remove', 'gone'],
    ['stop', 'stopped'],
  ])('an operation %s comes after the whole plan, and is of what that has made', async (action, wanted) => {
    await planning.planAndApply(SHOP)
    const plan = await planning.plan(SHOP.replace('replicas: 2', 'replicas: 3'))
    const { applied, other } = await applyBeside(plan.id, () =>
      planning.post('/api/services/shop%2Fweb/operations', { action }),
    )
    expect([applied.status, other.status]).toEqual([202, 202])
    const rows = await planning.query(
      `SELECT service.wanted AS service, instance.wanted AS instance FROM service JOIN instance ON service.id = service_id
       WHERE name = 'web'`,
    )
    expect(rows).toEqual(Array(3).fill({ service: wanted, instance: wanted }))
  })
})
