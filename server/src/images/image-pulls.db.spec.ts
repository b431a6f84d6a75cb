import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { ServerLeaseRepository } from '../platform/leases/server-lease.repository.ts'
import { TestServer } from '../testing/test-server.ts'
import { ImagePulls } from './image-pulls.reconciler.ts'
import { ImagePullsRepository } from './image-pulls.repository.ts'
import { LayerCheck } from './layer-check.ts'
import { FakeRegistry } from './testing/fake-registry.ts'
import { testImage, testIndex } from './testing/image-archives.ts'

const amd = testImage()
const arm = testImage({ architecture: 'arm64' })
const index = testIndex([amd, arm])

let server: TestServer
let registry: FakeRegistry

beforeAll(async () => {
  server = await TestServer.open()
})
afterAll(() => server?.[Symbol.asyncDispose]())
beforeEach(async () => {
  registry = await FakeRegistry.open()
  await server.test.empty('image', 'image_blob', 'image_pull', 'registry')
})
afterEach(() => registry[Symbol.asyncDispose]())

const call = (path: string, method = 'GET', body?: object) =>
  server.ask(path, { key: server.localKey, method, ...(body && { body }) })

async function pull(ref: string) {
  const { json, status } = await call('/api/image-pulls', 'POST', { ref })
  expect([status, json]).toMatchObject([202, {}])
  const ended = async () => (await call(`/api/image-pulls/${json.pull.id}`)).json.pull
  await expect.poll(async () => (await ended()).state, { timeout: 30_000 }).not.toBe('running')
  return ended()
}
const setRegistry = (more: object = {}) =>
  call('/api/registries', 'POST', { host: registry.host, plainHttp: true, ...more })

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

  it('a registry that is set several times at once is set, and new once', async () => {
    const answers = await Promise.all(
      ['ada', 'bea', 'cleo', 'dora'].map((username) => setRegistry({ username, password: 'right' })),
    )
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201])
    expect(answers.filter(({ json }) => json.isNew)).toHaveLength(1)
  })

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

  it('an image that is pulled again is not unpacked again, and stays the same image', async () => {
    registry.push('1', amd.manifest, amd.blobs)
    await setRegistry()
    const first = await pull(`${registry.host}/shop/web:1`)
    const verify = vi.spyOn(server.app.get(LayerCheck), 'verify')
    expect((await pull(`${registry.host}/shop/web:1`)).imageId).toBe(first.imageId)
    expect(verify).not.toHaveBeenCalled()
    verify.mockRestore()
  })

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

  it('a registry that never comes to an end is given up, and what it said is no reason to wait', async () => {
    registry.before = (_request, response) => {
      response.writeHead(200).write('{')
      return true
    }
    await setRegistry()
    const { json } = await call('/api/image-pulls', 'POST', { ref: `${registry.host}/shop/web:1` })
    await server.app.get(ImagePulls).reconcile(new Date(Date.now() + 7 * 3600_000))
    const ended = async () => (await call(`/api/image-pulls/${json.pull.id}`)).json.pull
    await expect.poll(async () => (await ended()).state).toBe('failed')
    expect(await ended()).toMatchObject({
      reasonCode: 'registry.unavailable',
      reason: expect.stringContaining('six hours'),
    })
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

  it('a pull that is stored while lost ones are looked for goes on', async () => {
    const pulls = new ImagePullsRepository(server.test.database)
    await new ServerLeaseRepository(server.test.database).renew('a server of its own')
    const lookedAt = new Date()
    const [before, since] = [randomUUID(), randomUUID()]
    const add = (id: string, createdAt: Date) =>
      pulls.insert({ id, ref: 'nginx', requestedBy: 'ada', createdAt }, 'a server of its own')
    await add(before, new Date(lookedAt.getTime() - 1))
    await add(since, lookedAt)
    await pulls.failLost('a server of its own', [], 'It stopped.', lookedAt)
    expect(await pulls.find(before)).toMatchObject({ state: 'failed' })
    expect(await pulls.find(since)).toMatchObject({ state: 'running' })
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
