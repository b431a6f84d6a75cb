import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { addReportingHost } from '../testing/reporting-host.ts'
import { TestServer } from '../testing/test-server.ts'
import { ImageDelivery } from './image-delivery.ts'
import { ImageStore } from './image-store.ts'
import { ImageUses } from './image-uses.ts'
import { ImagesService } from './images.service.ts'
import { dockerArchive, ociArchive, sha256, type TestImage, testImage } from './testing/image-archives.ts'
import { UnusedImageBlobsReconciler } from './unused-image-blobs.reconciler.ts'

const DAY_MS = 24 * 3600_000
const NAME = 'registry.lan/shop/web:2.4'
const amd = testImage()
const arm = testImage({ architecture: 'arm64' })

let server: TestServer
let used: { digest: string; user: string }[] = []

beforeAll(async () => {
  server = await TestServer.open()
  server.app.get(ImageUses).register(async () => used)
})
afterAll(() => server?.[Symbol.asyncDispose]())
beforeEach(async () => {
  used = []
  await server.test.empty('image', 'image_blob')
})

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

it('a replaced version that a plan has found stays until that is stored, and goes later if nothing uses it', async () => {
  await upload(toArchive(amd, NAME))
  await upload(toArchive(arm, NAME))
  const later = new Date(Date.now() + 8 * DAY_MS)
  const reconciler = server.app.get(UnusedImageBlobsReconciler)
  const digests = async () => {
    const { images } = (await call('/api/images')).json
    return images.map((image: { digest: string }) => image.digest)
  }
  await server.test.database.transaction(async (sql) => {
    await server.app.get(ImagesService).resolve(`registry.lan/shop/web@${amd.manifest.digest}`, sql)
    await reconciler.reconcile(later)
  })
  expect(await digests()).toEqual([arm.manifest.digest, amd.manifest.digest])
  await reconciler.reconcile(later)
  expect(await digests()).toEqual([arm.manifest.digest])
})

it('one of two images with one content that something uses stays, when both are removed at once', async () => {
  const names = [NAME, 'registry.lan/shop/web:stable']
  const stored = await Promise.all(names.map(async (name) => (await upload(toArchive(amd, name))).json))
  used = [{ digest: amd.manifest.digest, user: 'shop/web' }]
  const removed = await Promise.all(stored.map(({ images }) => call(`/api/images/${images[0].id}`, 'DELETE')))
  expect(removed.map(({ status }) => status).sort()).toEqual([200, 409])
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

it('an image is sent to a host no further within 5 s for who may send none there any more', async () => {
  const { id, cookie } = await server.person('sender@example.com', 'operator')
  await addReportingHost(server.test.database, 'receiver')
  const begun = Promise.withResolvers<void>()
  server.app.get(ImageDelivery).send = async (_host, _ref, signal) => {
    begun.resolve()
    await once(signal, 'abort')
    throw signal.reason
  }
  const body = { ref: NAME }
  const sent = server.ask('/api/hosts/receiver/images', { method: 'POST', body, cookie })
  await begun.promise
  await server.test.database.query("UPDATE app_user SET role = 'viewer' WHERE id = $1", [id])
  const answer = await Promise.race([sent, sleep(5000, 'still sending', { ref: false })])
  expect(answer).toMatchObject({ status: 403, code: 'request.forbidden' })
})
