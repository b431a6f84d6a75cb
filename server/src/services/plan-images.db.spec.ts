import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { RegistryResolver } from '../images/index.ts'
import { FakeRegistry } from '../images/testing/fake-registry.ts'
import { testImage } from '../images/testing/image-archives.ts'
import { PlanningServer } from './testing/planning-server.ts'

const first = testImage()
const second = testImage({ layers: ['base', 'newer'] })

let planning: PlanningServer
let registry: FakeRegistry
beforeAll(async () => {
  planning = await PlanningServer.open()
})
afterAll(() => planning?.close())
beforeEach(async () => {
  await planning.reset()
  registry = await FakeRegistry.open()
  await planning.post('/api/registries', { host: registry.host, plainHttp: true })
})
afterEach(() => registry[Symbol.asyncDispose]())

const push = (image: typeof first) => registry.push('1', image.manifest, image.blobs)
const fileOf = (pull: string, tag = '1') =>
  `name: shop\nservices: {web: {image: "${registry.host}/web:${tag}", x-rollcall: {pull: ${pull}}}}\n`
const digestOf = (plan: { services: { images: { digest: string }[] }[] }) =>
  plan.services[0]?.images[0]?.digest
const forget = () => planning.server.app.get(RegistryResolver, { strict: false }).forget()

describe('images that hosts pull', () => {
  it('a tag is held to its digest when it is planned, and applied by that without asking the registry again', async () => {
    push(first)
    const plan = await planning.plan(fileOf('host'))
    expect(digestOf(plan)).toBe(first.manifest.digest)
    const asked = registry.requests.length
    push(second)
    forget()
    expect((await planning.apply(plan.id)).status).toBe(202)
    expect(registry.requests).toHaveLength(asked)
    const [revision] = await planning.query('SELECT images FROM service_revision')
    expect(revision?.images).toMatchObject([
      { digest: first.manifest.digest, source: 'host', variants: [{ architecture: 'amd64' }] },
    ])
  })

  it('a tag that has moved is told, and changes the service only when newer images are asked for', async () => {
    push(first)
    await planning.planAndApply(fileOf('host'))
    push(second)
    forget()
    const kept = await planning.plan(fileOf('host'))
    expect([digestOf(kept), kept.services[0].action]).toEqual([first.manifest.digest, 'unchanged'])
    expect(kept.notes.join('\n')).toContain(`has a newer image of ${registry.host}/web:1`)
    const newer = await planning.plan(fileOf('host'), { newerImages: true })
    expect([digestOf(newer), newer.services[0].action]).toEqual([second.manifest.digest, 'changed'])
    expect(newer.notes.join('\n')).not.toContain('newer image')
    expect((await planning.apply(newer.id)).status).toBe(202)
  })

  it('a tag that the registry does not have is a fault of the plan, and a registry that is away is told', async () => {
    push(first)
    const { json } = await planning.post('/api/service-plans', { text: fileOf('host', '9') })
    expect(json.faults).toMatchObject([{ code: 'image.not_found', line: 2, key: 'services.web.image' }])
    const text = fileOf('host', '10')
    await registry[Symbol.asyncDispose]()
    const { notes } = await planning.plan(text)
    expect(notes.join('\n')).toContain('the registry does not answer')
    registry = await FakeRegistry.open()
  })

  it('whoever acts on some hosts only has no registry asked', async () => {
    push(first)
    await planning.query(`UPDATE host SET labels = '{"on": "a"}'`)
    const ada = await planning.server.person('scoped@images.test', 'operator', ['on=a'])
    const { json } = await planning.post(
      '/api/service-plans',
      { text: fileOf('host') },
      { cookie: ada.cookie },
    )
    expect(json.plan?.notes.join('\n')).toContain('you act on some hosts only')
    expect(registry.requests).toEqual([])
  })
})

it('a newer version of an image that the server pulled is told with how to pull it', async () => {
  push(first)
  const { json } = await planning.post('/api/image-pulls', { ref: `${registry.host}/web:1` })
  const state = async () => (await planning.get(`/api/image-pulls/${json.pull.id}`)).pull.state
  await expect.poll(state, { timeout: 30_000 }).toBe('success')
  push(second)
  forget()
  const plan = await planning.plan(fileOf('server'))
  expect(digestOf(plan)).toBe(first.manifest.digest)
  expect(plan.notes.join('\n')).toContain(`rollcall image pull ${registry.host}/web:1`)
})
