import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { TestServer } from '../testing/test-server.ts'
import { ImageStore } from './image-store.ts'
import { ImageUses } from './image-uses.ts'
import { ImagesService } from './images.service.ts'
import { FakeRegistry } from './testing/fake-registry.ts'
import {
  dockerArchive,
  ociArchive,
  sha256,
  type TestImage,
  testImage,
  testIndex,
} from './testing/image-archives.ts'
import { UnusedImageBlobsReconciler } from './unused-image-blobs.reconciler.ts'

const DAY_MS = 24 * 3600_000
const NAME = 'registry.lan/shop/web:2.4'
const amd = testImage()
const arm = testImage({ architecture: 'arm64' })
const index = testIndex([amd, arm])

let server: TestServer
let registry: FakeRegistry
let used: { digest: string; user: string }[] = []

beforeAll(async () => {
  server = await TestServer.open()
  server.app.get(ImageUses).register(async () => used)
})
afterAll(() => server?.[Symbol.asyncDispose]())
beforeEach(async () => {
  used = []
  registry = await FakeRegistry.open()
  await server.test.database.pool.query('TRUNCATE image, image_blob, image_pull, registry CASCADE')
})
afterEach(() => registry[Symbol.asyncDispose]())

const call = (path: string, method = 'GET', body?: object) =>
  server.ask(path, { key: server.localKey, method, ...(body && { body }) })

/** Sends an archive as the command line does. */
async function upload(archive: Buffer, query = '') {
  const response = await fetch(`${server.url}/api/images${query}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${server.localKey}`, 'content-type': 'application/octet-stream' },
    body: new Uint8Array(archive),
  })
  const json = JSON.parse(await response.text())
  return { status: response.status, json, code: json.error?.code as string | undefined }
}
const toArchive = (image: TestImage, name: string) =>
  ociArchive([{ blob: image.manifest, name }], image.blobs)

async function pull(ref: string) {
  const { json, status } = await call('/api/image-pulls', 'POST', { ref })
  expect([status, json]).toMatchObject([202, {}])
  const ended = async () => (await call(`/api/image-pulls/${json.pull.id}`)).json.pull
  await expect.poll(async () => (await ended()).state, { timeout: 30_000 }).not.toBe('running')
  return ended()
}
const setRegistry = (more: object = {}) =>
  call('/api/registries', 'POST', { host: registry.host, plainHttp: true, ...more })

describe('images that are added', () => {
  it('an image that was added is listed by name, found by tag and digest, and resolved', async () => {
    expect(await upload(toArchive(amd, NAME))).toMatchObject({
      status: 201,
      json: { images: [{ name: NAME, digest: amd.manifest.digest, isHere: true, source: 'archive' }] },
    })
    for (const ref of [NAME, `registry.lan/shop/web@${amd.manifest.digest}`]) {
      const found = await call(`/api/images?ref=${encodeURIComponent(ref)}`)
      expect(found.json.images).toMatchObject([{ tag: '2.4' }])
      expect(await server.app.get(ImagesService).resolve(ref)).toMatchObject({
        digest: amd.manifest.digest,
        variants: [{ architecture: 'amd64', blobs: expect.any(Array) }],
      })
    }
    await expect(server.app.get(ImagesService).resolve('registry.lan/shop/web:2.5')).rejects.toMatchObject({
      code: 'image.not_found',
      message: expect.stringContaining('rollcall image pull registry.lan/shop/web:2.5'),
    })
  })

  it('an archive may take longer to come than any other request', () => {
    expect(server.app.getHttpServer().requestTimeout).toBe(0)
  })

  it('an archive without a name needs one, and nothing of it is listed before', async () => {
    const archive = dockerArchive([{ image: testImage({ isPacked: false }), tags: null }])
    expect(await upload(archive)).toMatchObject({ status: 400, code: 'image.refused' })
    expect((await call('/api/images')).json.images).toEqual([])
    expect(await upload(archive, '?ref=shop/web:1')).toMatchObject({
      json: { images: [{ name: 'shop/web:1' }] },
    })
    expect(await upload(archive, '?ref=Shop')).toMatchObject({ status: 400, code: 'request.invalid' })
  })

  it('a new version takes the tag, and the one before stays by its digest until it is a week old', async () => {
    await upload(toArchive(amd, NAME))
    const next = testImage({ layers: ['base', 'new'] })
    await upload(toArchive(next, NAME))
    const { images } = (await call('/api/images')).json
    expect(images).toMatchObject([
      { name: NAME, digest: next.manifest.digest },
      { name: `registry.lan/shop/web@${amd.manifest.digest}`, tag: null },
    ])
    const cleaner = server.app.get(UnusedImageBlobsReconciler)
    const inAWeek = new Date(Date.now() + 8 * DAY_MS)
    used = [{ digest: amd.manifest.digest, user: 'shop/web' }]
    await cleaner.reconcile(inAWeek)
    expect((await call('/api/images')).json.images).toHaveLength(2)
    used = []
    await cleaner.reconcile(inAWeek)
    expect((await call('/api/images')).json.images).toMatchObject([{ digest: next.manifest.digest }])
    const hashes = [amd, next].map(({ layers }) => sha256(layers[1]?.data as Buffer))
    expect(await server.app.get(ImageStore).missing(hashes)).toEqual([hashes[0]])
  })

  it('the version that had the tag before gets it back when it is added again', async () => {
    await upload(toArchive(amd, NAME))
    await upload(toArchive(arm, NAME))
    await upload(toArchive(amd, NAME))
    const { images } = (await call('/api/images')).json
    expect(images.map((image: { tag: string; digest: string }) => [image.tag, image.digest])).toEqual([
      ['2.4', amd.manifest.digest],
      [null, arm.manifest.digest],
    ])
  })

  it('an image that something uses is not removed, and the refusal names what', async () => {
    const { json } = await upload(toArchive(amd, NAME))
    const path = `/api/images/${json.images[0].id}`
    used = [{ digest: amd.manifest.digest, user: 'shop/web' }]
    expect((await call(path)).json.image.usedBy).toEqual(['shop/web'])
    const refused = await call(path, 'DELETE')
    expect(refused).toMatchObject({ status: 409, code: 'image.in_use' })
    expect(refused.json.error.message).toContain('shop/web')
    used = []
    expect((await call(path, 'DELETE')).status).toBe(200)
    expect(await call(path)).toMatchObject({ status: 404, code: 'image.not_found' })
  })
})

describe('images that are pulled', () => {
  it.each(['none', 'basic', 'bearer'] as const)(
    'an image of a registry with %s sign-in is pulled with every variant that hosts can run',
    async (auth) => {
      registry.auth = auth
      registry.push('1', index, [...amd.blobs, ...arm.blobs])
      await setRegistry(auth === 'none' ? {} : { username: 'ada', password: 'right' })
      expect(await pull(`${registry.host}/shop/web:1`)).toMatchObject({ state: 'success', reason: null })
      const [image] = (await call('/api/images')).json.images
      expect(image).toMatchObject({ source: 'registry', digest: index.digest, isHere: true })
      expect(image.variants).toHaveLength(2)
    },
  )

  it.each(['basic', 'bearer'] as const)(
    'a wrong password for %s sign-in is told, and is in no answer',
    async (auth) => {
      registry.auth = auth
      registry.push('1', amd.manifest, amd.blobs)
      await setRegistry({ username: 'ada', password: 'wrong-secret' })
      const ended = await pull(`${registry.host}/shop/web:1`)
      expect(ended).toMatchObject({ state: 'failed', reasonCode: 'registry.credentials_refused' })
      expect(ended.reason).toContain('the password is wrong')
      expect(JSON.stringify([ended, (await call('/api/registries')).json])).not.toContain('wrong-secret')
      await call(`/api/registries/${registry.host}`, 'DELETE')
      await setRegistry()
      expect((await pull(`${registry.host}/shop/web:1`)).reason).toContain('wants a user and a password')
    },
  )

  it('a blob that is here is not fetched again', async () => {
    registry.push('1', amd.manifest, amd.blobs)
    await setRegistry()
    await pull(`${registry.host}/shop/web:1`)
    const next = testImage({ layers: ['base', 'newer'] })
    registry.push('2', next.manifest, next.blobs)
    registry.requests.splice(0)
    await pull(`${registry.host}/shop/web:2`)
    const fetched = registry.requests.filter((path) => path.includes('/blobs/'))
    expect(fetched.map((path) => path.split('/').at(-1)).sort()).toEqual(
      [next.config.digest, next.layers[1]?.digest].sort(),
    )
  })

  it('a mirror is asked first, and the registry itself where the mirror does not have it', async () => {
    await using mirror = await FakeRegistry.open()
    mirror.push('1', amd.manifest, amd.blobs)
    registry.push('2', amd.manifest, amd.blobs)
    await setRegistry({ mirrors: [`${mirror.host}/hub`] })
    await call('/api/registries', 'POST', { host: mirror.host, plainHttp: true })
    expect((await pull(`${registry.host}/shop/web:1`)).state).toBe('success')
    expect([mirror.requests[0], registry.requests]).toEqual(['/v2/hub/shop/web/manifests/1', []])
    expect((await pull(`${registry.host}/shop/web:2`)).state).toBe('success')
  })

  it('other content than its digest stands for is refused, and names the blob', async () => {
    const own = testImage({ layers: ['tampered'] })
    const layer = own.layers[0] as (typeof own.layers)[number]
    registry.push('1', own.manifest, own.blobs)
    registry.blobs.set(layer.digest, { ...layer, data: Buffer.alloc(layer.size, 'x') })
    await setRegistry()
    expect(await pull(`${registry.host}/shop/other:1`)).toMatchObject({
      state: 'failed',
      reasonCode: 'registry.refused',
      reason: expect.stringContaining(layer.digest),
    })
    expect((await call('/api/images')).json.images).toEqual([])
  })

  it('what a registry does not have, and a broken-off blob that is fetched again, are told apart', async () => {
    const fresh = testImage({ layers: ['fresh'] })
    registry.push('1', fresh.manifest, fresh.blobs)
    let broken = 0
    registry.before = (request, response) => {
      if (!request.url?.includes(fresh.layers[0]?.digest ?? '') || broken++ > 0) return false
      response.writeHead(200, { 'content-length': '100000' })
      response.write('x')
      response.destroy()
      return true
    }
    await setRegistry()
    expect(await pull(`${registry.host}/shop/web:9`)).toMatchObject({ reasonCode: 'image.not_found' })
    expect((await pull(`${registry.host}/shop/web:1`)).state).toBe('success')
    expect(broken).toBe(2)
  })

  it('a pull that is cancelled ends at once, and one of a server that is gone counts as failed', async () => {
    registry.before = (request, response) => {
      if (!request.url?.includes('/manifests/')) return false
      response.writeHead(200).write('{')
      return true
    }
    await setRegistry()
    const begun = (await call('/api/image-pulls', 'POST', { ref: `${registry.host}/shop/web:1` })).json.pull
    const { json } = await call(`/api/image-pulls/${begun.id}/cancel`, 'POST', {})
    expect(json.pull).toMatchObject({ state: 'cancelled', endedAt: expect.any(String) })
    const gone = randomUUID()
    await server.test.database.pool.query(
      `INSERT INTO image_pull (id, ref, state, requested_by, created_at, lease_owner)
       VALUES ($1, 'nginx', 'running', 'ada', now(), 'a server that is gone')`,
      [gone],
    )
    const later = (await call('/api/image-pulls', 'POST', { ref: `${registry.host}/shop/web:2` })).json.pull
    await expect
      .poll(async () => (await call(`/api/image-pulls/${gone}`)).json.pull.reasonCode, {
        timeout: 15_000,
      })
      .toBe('image.pull_stopped')
    expect((await call(`/api/image-pulls/${later.id}`)).json.pull.state).toBe('running')
    await call(`/api/image-pulls/${later.id}/cancel`, 'POST', {})
  })
})

describe('registries', () => {
  it('the password of a registry is sealed, shown to nobody, and goes with the registry', async () => {
    const { json } = await setRegistry({ username: 'ada', password: 'a-secret-password', mirrors: ['m.lan'] })
    expect(json).toMatchObject({
      isNew: true,
      registry: { username: 'ada', mirrors: ['m.lan'], hasCa: false },
    })
    const { rows } = await server.test.database.pool.query('SELECT * FROM registry')
    const entries = await server.test.database.pool.query('SELECT * FROM audit_entry')
    for (const text of [JSON.stringify(json), String(rows[0].password), JSON.stringify(entries.rows)])
      expect(text).not.toContain('a-secret-password')
    expect((await setRegistry()).json).toMatchObject({ isNew: false, registry: { username: null } })
    expect((await call(`/api/registries/${registry.host}`, 'DELETE')).status).toBe(200)
    expect(await call(`/api/registries/${registry.host}`, 'DELETE')).toMatchObject({
      code: 'registry.not_found',
    })
  })

  it.each([
    ['a user without a password', { username: 'ada' }, 'password'],
    ['a password without a user', { password: 'x' }, 'username'],
    ['an authority that is none', { ca: 'text' }, 'ca'],
    ['a mirror that is an address of a page', { mirrors: ['https://m.lan'] }, 'mirrors.0'],
  ])('%s is refused by its field', async (_what, more, field) => {
    const { status, json } = await setRegistry(more)
    expect([status, json.error.fields[0].field]).toEqual([400, field])
  })
})

it('a blob that is gone from the disk is noticed, and the image is told not to be here', async () => {
  const own = testImage({ layers: ['lost'] })
  await upload(toArchive(own, 'shop/lost:1'))
  const hash = sha256(own.layers[0]?.data as Buffer)
  await rm(join(server.config.dataDir, 'images', hash))
  const [image] = (await call('/api/images?ref=shop/lost:1')).json.images
  expect(image.isHere).toBe(false)
  await server.app.get(UnusedImageBlobsReconciler).reconcile(new Date())
  const { rows } = await server.test.database.pool.query('SELECT digest FROM image_blob')
  expect(rows.map(({ digest }) => digest)).not.toContain(`sha256:${hash}`)
})
