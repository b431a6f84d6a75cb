import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { addTestHost } from '../platform/testing/test-hosts.ts'
import { addReportingHost } from '../testing/reporting-host.ts'
import { FleetView } from './fleet-view.ts'
import { SlotPlacer } from './slot-placer.ts'
import { PlanningServer, SHOP } from './testing/planning-server.ts'
import { UnplacedSlotsReconciler } from './unplaced-slots.reconciler.ts'

const FILE = `name: shop
services:
  web:
    image: registry.lan/web:1
    ports: ["80"]
    deploy: {replicas: 2}
    x-rollcall: {pull: host, place: {select: "zone=b", max_per_host: 1}}
`

let planning: PlanningServer
beforeAll(async () => {
  planning = await PlanningServer.open()
})
afterAll(() => planning?.close())
afterEach(async () => {
  await planning.query("DELETE FROM host WHERE name = 'new'")
  await planning.reset()
})

const app = () => planning.server.app
const setZone = (...names: string[]) =>
  planning.query(`UPDATE host SET labels = '{"zone": "b"}' WHERE name = ANY($1)`, [names])
const tick = (now = new Date()) =>
  app().get(UnplacedSlotsReconciler, { strict: false }).reconcile(now, new AbortController().signal)
const instances = async () => (await planning.get('/api/services/shop%2Fweb')).instances
const hosts = async () =>
  (await instances()).map(({ host }: { host: { name: string } | null }) => host?.name ?? null)
const why = async (slot: number) =>
  (await planning.get(`/api/services/shop%2Fweb/instances/${slot}/why`)).placement

it('a slot that no host fitted is placed once a label makes one fit, and none that has a host is moved', async () => {
  await setZone('app-1')
  await planning.planAndApply(FILE)
  expect(await hosts()).toEqual(['app-1', null])
  await tick()
  await setZone('app-1', 'app-2')
  await tick()
  const [first, second] = await instances()
  expect(first).toMatchObject({ generation: 1, host: { name: 'app-1' } })
  expect(second).toMatchObject({ generation: 2, state: 'preparing', isHeld: false, host: { name: 'app-2' } })
  expect(second.ports).toMatchObject([{ container: 'web', target: 80 }])
  expect(await why(2)).toMatchObject({ host: 'app-2', reason: null })
})

it('a host that was just added is awaited by its name, and takes a slot when it has reported', async () => {
  await planning.planAndApply(FILE.replace('replicas: 2', 'replicas: 1'))
  await addTestHost(planning.server.test.database, { name: 'new', labels: { zone: 'b' }, at: new Date() })
  await tick()
  expect((await why(1)).reason).toMatch(/new: not reported yet.*placed as soon as a host fits/)
  await planning.query("DELETE FROM host WHERE name = 'new'")
  await addReportingHost(planning.server.test.database, 'new', { labels: { zone: 'b' } })
  await tick()
  expect(await hosts()).toEqual(['new'])
})

it('while nothing changes hosts are looked at every five minutes, and slots of stopped changes are not placed', async () => {
  await planning.planAndApply(FILE)
  const read = vi.spyOn(app().get(FleetView, { strict: false }), 'read')
  const begin = Date.now()
  for (const seconds of [0, 5, 10, 299, 301]) await tick(new Date(begin + seconds * 1000))
  expect(read).toHaveBeenCalledTimes(2)
  await planning.query('UPDATE service SET halted_at = now()')
  await setZone('app-1')
  await tick()
  expect([await hosts(), read.mock.calls.length]).toEqual([[null, null], 2])
  read.mockRestore()
})

it('servers that place at the same moment give a slot one host and one generation', async () => {
  await planning.planAndApply(FILE)
  await setZone('app-1', 'app-2')
  const [service] = await planning.query('SELECT id FROM service')
  const placer = app().get(SlotPlacer, { strict: false })
  const counts = await Promise.all([1, 2, 3].map(() => placer.place(String(service?.id))))
  expect(counts).toEqual([2, 0, 0])
  expect((await instances()).map(({ generation }: { generation: number }) => generation)).toEqual([2, 2])
})

it('a slot goes to a host that is degraded for its busy processors, and to none that is for another reason', async () => {
  const degrade = (code: string) =>
    planning.query("UPDATE host SET state = 'degraded', state_code = $1", [code])
  await setZone('app-1', 'app-2')
  await degrade('host.memory_high')
  await planning.planAndApply(FILE)
  expect(await hosts()).toEqual([null, null])
  await degrade('host.cpu_high')
  await tick()
  expect(await hosts()).toEqual(expect.arrayContaining(['app-1', 'app-2']))
  expect((await why(1)).reason).toBeNull()
  await planning.query("UPDATE host SET state = 'online', state_code = NULL")
})

it('a slot goes to no host beyond those of whoever applied it', async () => {
  await planning.planAndApply(FILE)
  await planning.query(`UPDATE service SET scope = '["zone=a"]'`)
  await setZone('app-1', 'app-2')
  await tick()
  expect(await hosts()).toEqual([null, null])
})

it('the decision about a slot is told, and a host that is named is judged filter by filter', async () => {
  await planning.planAndApply(SHOP)
  const { instances } = await planning.get('/api/services/shop%2Fdb')
  const here = instances[0].host.name
  const there = planning.hosts.find((name) => name !== here)
  await planning.query("UPDATE host SET state = 'offline' WHERE name = $1", [there])
  const why = await planning.get(`/api/services/shop%2Fdb/instances/1/why?host=${there}`)
  expect(why).toMatchObject({ instance: 'shop/db.1', placement: { host: here, hosts: 3 } })
  expect(why.placement.best).toHaveLength(3)
  const failing = why.judgement.conditions.filter(({ passes }: never) => !passes)
  expect(failing.map(({ filter, evidence }: never) => [filter, evidence])).toEqual([
    ['state', 'offline'],
    ['volumes', null],
  ])
  expect([why.judgement.fits, why.judgement.current.host]).toEqual([false, here])
  const own = await planning.get(`/api/services/shop%2Fdb/instances/1/why?host=${here}`)
  expect(own.judgement.fits).toBe(true)
  const missing = await planning.server.ask('/api/services/shop%2Fdb/instances/9/why', {
    key: planning.server.localKey,
  })
  expect([missing.status, missing.code]).toEqual([404, 'instance.not_found'])
})
