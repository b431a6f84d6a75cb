import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { readWhole } from '../blobs/index.ts'
import type { AgentFiles, TreeSync } from '../files/index.ts'
import { ManualClock } from '../platform/testing/manual-clock.ts'
import { TestDatabase } from '../platform/testing/test-database.ts'
import { addTestHost } from '../platform/testing/test-hosts.ts'
import type { ImageContent } from './domain/image.ts'
import { ImageDelivery } from './image-delivery.ts'
import { ImageStore } from './image-store.ts'
import { ImageUses } from './image-uses.ts'
import { ImagesRepository } from './images.repository.ts'
import { LayerCheck } from './layer-check.ts'
import type { RegistryPuller } from './registry/registry-puller.ts'
import { type TestImage, testImage } from './testing/image-archives.ts'
import { VariantReader } from './variant-reader.ts'

const clock = new ManualClock('2026-03-01T10:00:00Z')
const REF = 'registry.lan/shop/web:2.4'
const image = testImage()
const digest = image.manifest.digest
const signal = new AbortController().signal

let test: TestDatabase
let folder: string
let store: ImageStore
let repository: ImagesRepository
let hostId: string
let sent: TreeSync[]
let pulled: string[]
/** Happens while an image is pulled. */
let whilePulling: () => Promise<void>
/** Stands in for the transfer to a host. */
let transfer: (sync: TreeSync) => Promise<void>

beforeAll(async () => {
  test = await TestDatabase.open()
  repository = new ImagesRepository(test.database, new ImageUses())
  const name = `host-${randomUUID()}`
  await addTestHost(test.database, { name, labels: {}, at: clock.now() })
  hostId = (await test.database.prisma.host.findUniqueOrThrow({ where: { name } })).id
})
afterAll(() => test.close())
beforeEach(async () => {
  await test.empty('image', 'image_blob', 'image_host', 'server_lease')
  folder = await mkdtemp(join(tmpdir(), 'rollcall-images-'))
  store = new ImageStore(folder, 50_000_000)
  sent = []
  pulled = []
  whilePulling = async () => undefined
  transfer = async () => undefined
})
afterEach(() => rm(folder, { recursive: true }))

async function fill({ blobs }: TestImage): Promise<void> {
  for (const { data } of blobs) await store.add(Readable.from([data]))
}

async function contentOf(one: TestImage): Promise<ImageContent> {
  const { mediaType, digest: own, size } = one.manifest
  const variants = new VariantReader(store, new LayerCheck(store), { findVariant: async () => null })
  return { digest: own, variants: [await variants.read({ mediaType, digest: own, bytes: size })] }
}

async function add(one: TestImage, source: 'archive' | 'registry', serverId = 'us'): Promise<void> {
  const content = await contentOf(one)
  const about = {
    repository: 'registry.lan/shop/web',
    tag: '2.4',
    source,
    addedBy: 'ada',
    addedAt: clock.now(),
  }
  await repository.store({ ...content, ...about }, serverId)
}

function delivery(): ImageDelivery {
  const files = {
    syncTree: async (_hostId: string, sync: TreeSync) => {
      sent.push(sync)
      await transfer(sync)
    },
  } as unknown as AgentFiles
  const puller = {
    pull: async (ref: { digest: string }) => {
      pulled.push(ref.digest)
      await fill(image)
      await whilePulling()
      return contentOf(image)
    },
  } as unknown as RegistryPuller
  const unused = {} as never
  return new ImageDelivery(repository, unused, unused, store, puller, files, clock, 'us')
}
const ensure = (architecture: 'amd64' | 'arm64' = 'amd64', which = digest) =>
  delivery().ensure(hostId, { ref: REF, digest: which, architecture }, signal)

describe('an image that is brought to a host', () => {
  it('an image is an OCI layout beside the shared blobs, and its own files come after all of its parts', async () => {
    await fill(image)
    await add(image, 'archive')
    expect(await ensure()).toEqual({ digest, sentBytes: 0 })
    const [sync] = sent
    const hash = digest.slice('sha256:'.length)
    expect(sync).toMatchObject({ destination: '/var/lib/rollcall-images', deletesOthers: false })
    const paths = sync?.entries.map(({ path }) => path) ?? []
    expect(paths.slice(-3)).toEqual([`${hash}/oci-layout`, `${hash}/index.json`, `${hash}/blobs`])
    const blobs = image.blobs.map((blob) => `blobs/sha256/${blob.digest.slice('sha256:'.length)}`)
    expect(paths.slice(0, -3).sort()).toEqual(blobs.sort())
    expect(sync?.entries.at(-1)).toEqual({ path: `${hash}/blobs`, link: '../blobs' })
    const index = sync?.entries.find(({ path }) => path.endsWith('index.json'))
    const blob = index && 'source' in index && 'blob' in index.source ? index.source.blob : undefined
    expect(blob && JSON.parse((await readWhole(blob)).toString())).toMatchObject({
      manifests: [{ digest, size: image.manifest.size, platform: { architecture: 'amd64', os: 'linux' } }],
    })
    expect(await repository.onHosts()).toEqual([{ digest, hostId }])
  })

  it('a host of another architecture is refused with those that there are, and nothing is sent', async () => {
    await fill(image)
    await add(image, 'archive')
    await expect(ensure('arm64')).rejects.toMatchObject({
      code: 'image.architecture',
      message: expect.stringContaining('is for amd64, and the host is arm64'),
    })
    await expect(ensure('amd64', `sha256:${'0'.repeat(64)}`)).rejects.toMatchObject({
      code: 'image.not_found',
    })
    expect(sent).toEqual([])
  })

  it('a server that lacks a part pulls it again, or leaves an archive to the server that has it', async () => {
    await fill(image)
    await add(image, 'registry', 'other')
    await rm(folder, { recursive: true })
    await ensure()
    expect([pulled, sent.length]).toEqual([[digest], 1])
    await test.database.pool.query(`UPDATE image SET source = 'archive'`)
    await store.evictUnused(new Date(Date.now() + 60_000), new Set())
    await expect(ensure()).rejects.toMatchObject({
      code: 'image.not_found',
      message: expect.stringContaining('rollcall image add FILE'),
    })
    await test.database.pool.query(
      `INSERT INTO server_lease (lease_owner, lease_until) VALUES ('other', now() + interval '5 min')`,
    )
    await expect(ensure()).rejects.toMatchObject({ code: 'image.elsewhere' })
    expect(sent).toHaveLength(1)
  })

  it('a tag stays with the version that took it while parts of the one before were pulled again, and what was removed meanwhile stays so', async () => {
    await fill(image)
    await add(image, 'registry', 'other')
    const newer = testImage({ layers: ['base', 'newer'] })
    whilePulling = async () => {
      await fill(newer)
      await add(newer, 'registry')
    }
    await rm(folder, { recursive: true })
    await ensure()
    const [tagged] = await repository.byTag('registry.lan/shop/web', '2.4')
    expect(tagged?.digest).toBe(newer.manifest.digest)
    whilePulling = async () => {
      await test.database.pool.query('DELETE FROM image WHERE digest = $1', [digest])
    }
    await rm(folder, { recursive: true })
    await ensure()
    expect(await repository.byDigest(digest)).toEqual([])
    const here = await test.database.query('SELECT digest FROM image_blob WHERE server_id = $1', ['us'])
    expect(here.length).toBeGreaterThanOrEqual(image.blobs.length)
  })

  it('a host gets one image at a time, and one that failed does not stop the next', async () => {
    await fill(image)
    await add(image, 'archive')
    const gate = Promise.withResolvers<void>()
    transfer = async () => {
      if (sent.length > 1) return
      await gate.promise
      throw new Error('the disk is full')
    }
    const one = delivery()
    const wanted = { ref: REF, digest, architecture: 'amd64' } as const
    const first = one.ensure(hostId, wanted, signal)
    const second = one.ensure(hostId, wanted, signal)
    await expect.poll(() => sent.length).toBe(1)
    gate.resolve()
    await expect(first).rejects.toThrow('the disk is full')
    expect(await second).toMatchObject({ digest })
    expect(sent).toHaveLength(2)
  })

  it('what was sent is counted by the transfer, and told to the caller', async () => {
    await fill(image)
    await add(image, 'archive')
    transfer = async ({ onProgress }) => {
      onProgress?.(10, 30)
      onProgress?.(20, 30)
    }
    const reported: number[] = []
    const wanted = { ref: REF, digest, architecture: 'amd64' } as const
    const done = await delivery().ensure(hostId, wanted, signal, (bytes) => reported.push(bytes))
    expect([done.sentBytes, reported]).toEqual([30, [10, 20]])
  })
})
