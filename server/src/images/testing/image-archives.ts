import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { createTar, type TarEntry } from '../../platform/archives/tar-archive.ts'

const INDEX = 'application/vnd.oci.image.index.v1+json'
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const CONFIG = 'application/vnd.oci.image.config.v1+json'
const LAYER = 'application/vnd.oci.image.layer.v1.tar'

export const sha256 = (data: Buffer) => createHash('sha256').update(data).digest('hex')
export const digestOf = (data: Buffer) => `sha256:${sha256(data)}`
const json = (content: object) => Buffer.from(JSON.stringify(content))

export interface TestBlob {
  mediaType: string
  digest: string
  size: number
  data: Buffer
}
const blob = (mediaType: string, data: Buffer): TestBlob => ({
  mediaType,
  digest: digestOf(data),
  size: data.length,
  data,
})
const descriptor = ({ data: _, ...rest }: TestBlob) => rest

/** A layer that holds one file. */
export const layerOf = (text: string): Buffer => createTar([{ path: 'file', data: Buffer.from(text) }])

/** An image of one architecture for specs: its layers packed with gzip, or not. */
export function testImage({
  layers = ['base', 'app'],
  architecture = 'amd64',
  isPacked = true,
  diffIds,
}: {
  layers?: string[]
  architecture?: string
  isPacked?: boolean
  diffIds?: string[]
} = {}) {
  const tars = layers.map(layerOf)
  const config = blob(
    CONFIG,
    json({
      os: 'linux',
      architecture,
      rootfs: { type: 'layers', diff_ids: diffIds ?? tars.map(digestOf) },
    }),
  )
  const packed = tars.map((tar) => (isPacked ? blob(`${LAYER}+gzip`, gzipSync(tar)) : blob(LAYER, tar)))
  const manifest = blob(
    MANIFEST,
    json({
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: descriptor(config),
      layers: packed.map(descriptor),
    }),
  )
  return { config, layers: packed, manifest, blobs: [config, ...packed, manifest], architecture }
}
export type TestImage = ReturnType<typeof testImage>

/** An index of images for several architectures. */
export const testIndex = (images: readonly TestImage[]): TestBlob =>
  blob(
    INDEX,
    json({
      schemaVersion: 2,
      mediaType: INDEX,
      manifests: images.map(({ manifest, architecture }) => ({
        ...descriptor(manifest),
        platform: { os: 'linux', architecture },
      })),
    }),
  )

const toBlobEntry = ({ data }: TestBlob): TarEntry => ({ path: `blobs/sha256/${sha256(data)}`, data })

/** An OCI archive of blobs, whose index names `top`. */
export function ociArchive(
  top: readonly { blob: TestBlob; name?: string }[],
  blobs: readonly TestBlob[],
  more: readonly TarEntry[] = [],
): Buffer {
  const manifests = top.map(({ blob: each, name }) => ({
    ...descriptor(each),
    ...(name !== undefined && { annotations: { 'org.opencontainers.image.ref.name': name } }),
  }))
  return createTar([
    { path: 'oci-layout', data: json({ imageLayoutVersion: '1.0.0' }) },
    { path: 'index.json', data: json({ schemaVersion: 2, manifests }) },
    ...[...new Map(blobs.map((each) => [each.digest, each])).values()].map(toBlobEntry),
    ...more,
  ])
}

/** An archive as "docker save" writes it, with the layers of images that are not packed. */
export function dockerArchive(images: readonly { image: TestImage; tags: string[] | null }[]): Buffer {
  const files = new Map<string, Buffer>()
  const manifest = images.map(({ image, tags }) => {
    const config = `${sha256(image.config.data)}.json`
    files.set(config, image.config.data)
    const layers = image.layers.map(({ data }) => {
      const path = `${sha256(data)}/layer.tar`
      files.set(path, data)
      return path
    })
    return { Config: config, RepoTags: tags, Layers: layers }
  })
  const entries = [...files].map(([path, data]) => ({ path, data }))
  return createTar([{ path: 'manifest.json', data: json(manifest) }, ...entries])
}
