import { RollcallError } from '@rollcall/contracts'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { HostPulls, ImageDelivery } from '../images/index.ts'
import { ServiceSparesReconciler } from './service-spares.reconciler.ts'
import { PlanningServer } from './testing/planning-server.ts'
import { UsesRepository } from './uses.repository.ts'

const FILE = (tag: string, more = '') =>
  `name: shop\nservices: {web: {image: "registry.lan/web:${tag}", x-rollcall: {spares: 1${more}}}}\n`

let planning: PlanningServer
let sent: { hostId: string; digest: string }[]
/** Stands in for what brings an image to a host. */
let deliver: () => Promise<void>

beforeAll(async () => {
  planning = await PlanningServer.open()
  const get = <T>(token: new (...args: never[]) => T) => planning.server.app.get(token, { strict: false })
  vi.spyOn(get(ImageDelivery), 'ensure').mockImplementation(async (hostId, { digest }) => {
    sent.push({ hostId, digest })
    await deliver()
    return { digest, sentBytes: 1 }
  })
  vi.spyOn(get(HostPulls), 'ensure').mockImplementation(async (hostId, images) => {
    for (const { digest } of images) sent.push({ hostId, digest })
  })
})
afterAll(() => planning?.close())
beforeEach(async () => {
  await planning.reset()
  sent = []
  deliver = async () => undefined
  await planning.addImage('registry.lan/web', 'amd64')
})

const spares = () =>
  planning.query('SELECT host_id, state, reason, failures, lease_owner FROM service_spare ORDER BY position')
/** Has the service be as after a change that went well. */
const settle = async () => {
  await planning.query('UPDATE service SET proven_revision_id = revision_id')
  await planning.query('UPDATE instance SET running_revision_id = revision_id')
}
async function reconcile(at = new Date()) {
  const reconciler = planning.server.app.get(ServiceSparesReconciler, { strict: false })
  await reconciler.reconcile(at)
  await reconciler.deliveries.drain()
}

describe('spare copies of images', () => {
  it('a plan names the spare hosts, and applying it brings the image there once the service has settled', async () => {
    const plan = await planning.plan(FILE('1'))
    const [{ spares: names, placements }] = plan.services
    expect(names).toHaveLength(1)
    expect(planning.hosts).toContain(names[0])
    expect(names).not.toContain(placements[0].host)
    await planning.apply(plan.id)
    await reconcile()
    expect(sent).toEqual([])
    await settle()
    await reconcile()
    const [row] = await spares()
    expect(sent).toEqual([{ hostId: row?.host_id, digest: expect.stringMatching(/^sha256:/) }])
    expect(row).toMatchObject({ state: 'there', lease_owner: null })
    await reconcile()
    expect(sent).toHaveLength(1)
  })

  it('the views of an image say where it is spare, and whoever acts on some hosts only is not told', async () => {
    const plan = await planning.plan(FILE('1'))
    await planning.apply(plan.id)
    const host = plan.services[0].spares[0]
    const [image] = (await planning.get('/api/images')).images
    expect(image.spares).toEqual([{ service: 'shop/web', host, state: 'waiting' }])
    await settle()
    await reconcile()
    expect((await planning.get(`/api/images/${image.id}`)).image.spares).toMatchObject([{ state: 'there' }])
    const ada = await planning.server.person('scoped@spares.test', 'operator', ['on=a'])
    const { json } = await planning.server.ask('/api/images', { cookie: ada.cookie })
    expect(json.images[0].spares).toEqual([])
  })

  it('a change of the service refreshes its copies, also while the one before is on its way', async () => {
    await planning.planAndApply(FILE('1'))
    await settle()
    deliver = async () => {
      await planning.query('DELETE FROM image')
      await planning.addImage('registry.lan/web', 'amd64')
      await planning.planAndApply(FILE('1'))
      deliver = async () => undefined
    }
    await reconcile()
    expect(await spares()).toMatchObject([{ state: 'waiting', lease_owner: null }])
    await settle()
    await reconcile()
    expect(new Set(sent.map(({ digest }) => digest)).size).toBe(2)
    expect(await spares()).toMatchObject([{ state: 'there' }])
  })

  it('a delivery that fails is tried again later, and a change that never settles is waited for two minutes', async () => {
    deliver = async () => {
      throw new RollcallError('image.elsewhere', 'Another server has it.')
    }
    await planning.planAndApply(FILE('1'))
    const soon = new Date(Date.now() + 121_000)
    await reconcile(soon)
    expect(await spares()).toMatchObject([{ state: 'failed', failures: 1, reason: 'Another server has it.' }])
    deliver = async () => undefined
    await reconcile(new Date(Date.now() + 3600_000))
    expect(await spares()).toMatchObject([{ state: 'there', failures: 0, reason: null }])
  })

  it('a host that is silent is sent nothing, and one that a service gives up is no spare host any more', async () => {
    await planning.planAndApply(FILE('1'))
    await settle()
    await planning.query("UPDATE host SET state = 'offline'")
    await reconcile()
    expect(sent).toEqual([])
    await planning.query("UPDATE host SET state = 'online'")
    await planning.planAndApply(FILE('1').replace('spares: 1', 'spares: 0'))
    expect(await spares()).toEqual([])
  })

  it('another server brings what a server that died had begun', async () => {
    await planning.planAndApply(FILE('1'))
    await settle()
    await planning.query("UPDATE service_spare SET lease_owner = 'dead'")
    await planning.query(
      "INSERT INTO server_lease (lease_owner, lease_until) VALUES ('dead', now() + interval '1 hour')",
    )
    await reconcile()
    expect(sent).toEqual([])
    await planning.query("DELETE FROM server_lease WHERE lease_owner = 'dead'")
    await reconcile()
    expect(await spares()).toMatchObject([{ state: 'there' }])
  })

  it('images that hosts pull are pulled by spare hosts themselves', async () => {
    const named = `name: shop\nservices: {web: {image: "registry.lan/web@sha256:${'d'.repeat(64)}", x-rollcall: {spares: 1, pull: host}}}\n`
    await planning.planAndApply(named)
    await settle()
    await reconcile()
    expect(sent).toMatchObject([{ digest: `sha256:${'d'.repeat(64)}` }])
  })
})

it('a host needs what runs there or is to run, what was well before, and spare copies, and nothing of other services', async () => {
  const uses = planning.server.app.get(UsesRepository, { strict: false })
  await planning.planAndApply(FILE('1'))
  await settle()
  const digestsOf = async () =>
    (await planning.query('SELECT images FROM service_revision ORDER BY number')).map(
      ({ images }) => (images as { variants: { digest: string }[] }[])[0]?.variants[0]?.digest,
    )
  await planning.query('DELETE FROM image')
  await planning.addImage('registry.lan/web', 'amd64')
  await planning.planAndApply(FILE('1'))
  const [first, second] = await digestsOf()
  expect(first).not.toBe(second)
  const hosts = await planning.query(
    'SELECT id, id IN (SELECT host_id FROM instance) AS runs FROM host ORDER BY name',
  )
  const [spare] = await spares()
  for (const { id, runs } of hosts) {
    const needed = await uses.imagesOn(id as string)
    if (runs || id === spare?.host_id) expect(needed).toEqual(expect.arrayContaining([first, second]))
    else expect(needed).toEqual([])
  }
})
