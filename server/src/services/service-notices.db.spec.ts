import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { Notifications } from '../platform/prisma/notifications.ts'
import { InstancesReconciler } from './instances.reconciler.ts'
import { ServiceChangesReconciler } from './service-changes.reconciler.ts'
import { PlanningServer } from './testing/planning-server.ts'

const FILE = 'name: shop\nservices: {web: {image: "registry.lan/web:1", x-rollcall: {pull: host}}}\n'

const MARKS = 'service_notices_spec'

let planning: PlanningServer
let onMark: () => void
const woken = new Set<string>()

beforeAll(async () => {
  planning = await PlanningServer.open()
  const get = <T>(token: new (...args: never[]) => T) => planning.server.app.get(token, { strict: false })
  for (const reconciler of [get(InstancesReconciler), get(ServiceChangesReconciler)])
    vi.spyOn(reconciler, 'wake').mockImplementation(() => void woken.add(reconciler.name))
  const mark = () => onMark()
  const hasBegun = new Promise<void>((resolve) => {
    onMark = resolve
  })
  get(Notifications).listen(MARKS, { onNotice: mark, onGap: mark })
  await hasBegun
})
afterAll(() => planning?.close())
beforeEach(async () => {
  await planning.reset()
  await planning.addImage('registry.lan/web', 'amd64')
  await planning.query("UPDATE host SET state = 'offline' WHERE name = 'app-1'")
  await wokenSince()
})

/** Returns what was woken since it was last asked. Notices come in the order of their transactions: with this one, those before have come. */
async function wokenSince(): Promise<string[]> {
  const comes = new Promise<void>((resolve) => {
    onMark = resolve
  })
  await planning.query(`SELECT pg_notify('${MARKS}', '')`)
  await comes
  const names = [...woken].sort()
  woken.clear()
  return names
}

it('a plan that is applied wakes what carries it out, on every server', async () => {
  await planning.planAndApply(FILE)
  expect(await wokenSince()).toEqual(['instances', 'service-changes'])
})

it('a host that answers again is a reason to look at instances at once', async () => {
  await planning.query("UPDATE host SET state = 'online' WHERE name = 'app-1'")
  expect(await wokenSince()).toEqual(['instances', 'service-changes'])
})

it('what becomes of an instance wakes nothing by itself, since its steps and reports do', async () => {
  await planning.planAndApply(FILE)
  await wokenSince()
  await planning.query("UPDATE instance SET health = 'failed'")
  expect(await wokenSince()).toEqual([])
})
