import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createTar } from '../platform/archives/tar-archive.ts'
import { ArchiveImages } from './archive-images.ts'
import { ArchiveReader } from './archive-reader.ts'
import { toHash } from './domain/image.ts'
import { ImageStore } from './image-store.ts'
import { LayerCheck } from './layer-check.ts'
import {
  digestOf,
  dockerArchive,
  layerOf,
  ociArchive,
  testImage,
  testIndex,
} from './testing/image-archives.ts'
import { VariantReader } from './variant-reader.ts'

let folder: string
let store: ImageStore
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollcall-images-'))
  store = new ImageStore(folder, 50_000_000)
})
afterEach(() => rm(folder, { recursive: true }))

async function* inPieces(archive: Buffer) {
  for (let at = 0; at < archive.length; at += 1000) yield archive.subarray(at, at + 1000)
}

async function find(archive: Buffer) {
  const contents = await new ArchiveReader(store).read(inPieces(archive))
  return new ArchiveImages(
    store,
    new VariantReader(store, new LayerCheck(store), { findVariant: async () => null }),
  ).find(contents)
}

const NAME = 'registry.lan/shop/web:2.4'
const image = testImage()
const plain = testImage({ isPacked: false })
const oci = (more: Parameters<typeof ociArchive>[2] = []) =>
  ociArchive([{ blob: image.manifest, name: NAME }], image.blobs, more)

describe('the images of an archive', () => {
  it('an OCI archive gives its image by the digest that it has everywhere, and every blob is stored', async () => {
    const [found] = await find(oci())
    expect(found).toMatchObject({
      names: [NAME],
      content: {
        digest: image.manifest.digest,
        variants: [{ architecture: 'amd64', digest: image.manifest.digest }],
      },
    })
    const stored = found?.content.variants[0]?.blobs.map(({ digest }) => digest) ?? []
    expect(stored.toSorted()).toEqual(image.blobs.map(({ digest }) => digest).sort())
    expect(await store.missing(stored.map(toHash))).toEqual([])
  })

  it('an index gives a variant for each architecture of hosts, as far as the archive has it', async () => {
    const arm = testImage({ architecture: 'arm64' })
    const index = testIndex([testImage({ architecture: 's390x' }), image, arm])
    const both = await find(ociArchive([{ blob: index }], [index, ...image.blobs, ...arm.blobs]))
    expect(both[0]?.content.digest).toBe(index.digest)
    expect(both[0]?.content.variants.map((variant) => variant.architecture)).toEqual(['amd64', 'arm64'])
    const one = await find(ociArchive([{ blob: index }], [index, ...arm.blobs]))
    expect(one[0]?.content.variants.map((variant) => variant.architecture)).toEqual(['arm64'])
  })

  it('an archive of "docker save" gets the same manifest every time, with its config unchanged', async () => {
    const archive = dockerArchive([{ image: plain, tags: [NAME, 'shop/web:latest'] }])
    const [[first], [second]] = [await find(archive), await find(gzipSync(archive))]
    expect(first).toEqual(second)
    expect(first?.names).toEqual([NAME, 'shop/web:latest'])
    const digests = first?.content.variants[0]?.blobs.map(({ digest }) => digest)
    expect(digests).toEqual([
      first?.content.digest,
      plain.config.digest,
      ...plain.layers.map(({ digest }) => digest),
    ])
  })

  it('a layer that is the same twice is stored and counted once', async () => {
    const twice = testImage({ layers: ['same', 'same'], isPacked: false })
    const [found] = await find(dockerArchive([{ image: twice, tags: [NAME] }]))
    expect(found?.content.variants[0]?.blobs).toHaveLength(3)
  })
})

const changed = Buffer.from('changed')
const without = (digest: string) =>
  ociArchive(
    [{ blob: image.manifest, name: NAME }],
    image.blobs.filter((blob) => blob.digest !== digest),
  )

describe('a hostile archive', () => {
  it.each([
    [
      'has a blob under the hash of another one',
      () => oci([{ path: `blobs/sha256/${'0'.repeat(64)}`, data: changed }]),
      'is not that',
    ],
    ['is without a layer', () => without(image.layers[0]?.digest ?? ''), 'lacks blobs/sha256/'],
    ['is without its config', () => without(image.config.digest), 'lacks blobs/sha256/'],
    ['is without its manifest', () => without(image.manifest.digest), 'lacks blobs/sha256/'],
    [
      'has a huge index',
      () =>
        createTar([
          { path: 'oci-layout', data: changed },
          { path: 'index.json', data: Buffer.alloc(5_000_000, ' ') },
        ]),
      '4194304',
    ],
    [
      'has an index that is none',
      () =>
        createTar([
          { path: 'oci-layout', data: changed },
          { path: 'index.json', data: changed },
        ]),
      'is no JSON',
    ],
    [
      'has neither kind of list',
      () => createTar([{ path: 'file', data: changed }]),
      'neither index.json nor manifest.json',
    ],
    ['is empty', () => Buffer.alloc(0), 'empty'],
    ['is packed otherwise', () => zstdCompressSync(oci()), 'zstd -d'],
    ['is packed and cut', () => gzipSync(oci()).subarray(0, 900), 'damaged'],
  ])('an archive that %s is refused with the reason', async (_what, make, why) => {
    await expect(find(make())).rejects.toMatchObject({
      code: 'image.refused',
      message: expect.stringContaining(why),
    })
  })

  it.each([
    [
      'that is another one than the config says',
      { diffIds: [digestOf(layerOf('base')), digestOf(layerOf('evil'))] },
      'is not the one of its config',
    ],
    ['too few', { diffIds: [digestOf(layerOf('base'))] }, 'knows 1 layers'],
    ['of another architecture', { architecture: 'mips' }, 'mips'],
  ])('an image with a layer %s is refused, packed or not', async (_what, given, why) => {
    for (const isPacked of [true, false]) {
      const wrong = testImage({ ...given, isPacked })
      await expect(find(ociArchive([{ blob: wrong.manifest }], wrong.blobs))).rejects.toMatchObject({
        code: 'image.refused',
        message: expect.stringContaining(why),
      })
    }
  })

  it('an index without a variant for any host says which architectures there could be', async () => {
    const other = testImage({ architecture: 's390x' })
    const index = testIndex([other])
    await expect(find(ociArchive([{ blob: index }], [index, ...other.blobs]))).rejects.toMatchObject({
      code: 'image.architecture',
      message: expect.stringContaining('amd64 or arm64'),
    })
  })

  it('an archive that would fill the server is refused, and says how to make room', async () => {
    store = new ImageStore(folder, 1000)
    await expect(find(oci())).rejects.toMatchObject({
      code: 'server.files_full',
      message: expect.stringContaining('ROLLCALL_IMAGES_BYTES'),
    })
  })
})
