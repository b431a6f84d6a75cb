import { hash } from 'node:crypto'
import { parseJson, RollcallError, sanitizeText } from '@rollcall/contracts'
import { IMAGE_ARCHITECTURES, imageDigest } from '@rollcall/contracts/admin'
import { z } from 'zod'
import { type BlobDescriptor, type ImageVariant, toDigest } from './image.ts'

export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json'
const OCI_CONFIG = 'application/vnd.oci.image.config.v1+json'
const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json'
const DOCKER_INDEX = 'application/vnd.docker.distribution.manifest.list.v2+json'
const DOCKER_CONFIG = 'application/vnd.docker.container.image.v1+json'

/** The types that a registry is asked for. */
export const MANIFEST_TYPES = [OCI_INDEX, DOCKER_INDEX, OCI_MANIFEST, DOCKER_MANIFEST] as const

/** Bounds an index, a manifest and a config, which are read into memory. */
export const MAX_MANIFEST_BYTES = 4 * 1024 * 1024
/** Bounds one layer, packed and unpacked. */
export const MAX_LAYER_BYTES = 32 * 1024 ** 3
const MAX_LAYERS = 200
const MAX_VARIANTS = 100

export type Compression = 'none' | 'gzip' | 'zstd'
/** How the layers of each type are packed. Layers of other types are no file systems, encrypted, or to be fetched elsewhere. */
const LAYERS: ReadonlyMap<string, Compression> = new Map([
  ['application/vnd.oci.image.layer.v1.tar', 'none'],
  ['application/vnd.oci.image.layer.v1.tar+gzip', 'gzip'],
  ['application/vnd.oci.image.layer.v1.tar+zstd', 'zstd'],
  ['application/vnd.docker.image.rootfs.diff.tar', 'none'],
  ['application/vnd.docker.image.rootfs.diff.tar.gzip', 'gzip'],
  ['application/vnd.docker.image.rootfs.diff.tar.zstd', 'zstd'],
])

const descriptor = z.object({
  mediaType: z.string().max(255),
  digest: imageDigest,
  size: z.int().min(0).max(MAX_LAYER_BYTES),
})

const platform = z.object({
  os: z.string(),
  architecture: z.string(),
  variant: z.string().optional(),
})

const index = z.object({
  schemaVersion: z.literal(2),
  manifests: z
    .array(
      descriptor.extend({
        platform: platform.optional(),
        annotations: z.record(z.string(), z.string()).optional(),
      }),
    )
    .max(MAX_VARIANTS),
})
export type ImageIndex = z.infer<typeof index>

const manifest = z.object({
  schemaVersion: z.literal(2),
  config: descriptor,
  layers: z.array(descriptor).max(MAX_LAYERS),
})
export type ImageManifest = z.infer<typeof manifest>

const config = z.object({
  os: z.string(),
  architecture: z.string(),
  rootfs: z.object({ type: z.literal('layers'), diff_ids: z.array(imageDigest).max(MAX_LAYERS) }),
})
export type ImageConfig = z.infer<typeof config>

/** Returns the error for an image that is not taken, which says why. */
export const imageRefused = (why: string, cause?: unknown) =>
  new RollcallError('image.refused', `The image is not taken: ${why}.`, { cause })

/** Returns the error for an image that no host could run. */
export const noVariant = (where: string) =>
  new RollcallError(
    'image.architecture',
    `There is no variant of the image for Linux on ${IMAGE_ARCHITECTURES.join(' or ')} in ${where}. Build or pull one for the architecture of your hosts.`,
  )

/** Parses an index, or a list of manifests of Docker. Throws `image.refused`. */
export const parseIndex = (bytes: Buffer): ImageIndex => parse(index, bytes, 'its index')

/** Parses a manifest whose layers can all be stored. Throws `image.refused`. */
export function parseManifest(bytes: Buffer): ImageManifest {
  const parsed = parse(manifest, bytes, 'its manifest')
  const { mediaType } = parsed.config
  if (mediaType !== OCI_CONFIG && mediaType !== DOCKER_CONFIG)
    throw imageRefused(`it is no image of a container but ${sanitizeText(mediaType, 100)}`)
  for (const layer of parsed.layers) compressionOf(layer)
  return parsed
}

/** Parses the config of an image for Linux. Throws `image.refused`. */
export function parseConfig(bytes: Buffer): ImageConfig {
  const parsed = parse(config, bytes, 'its config')
  if (parsed.os !== 'linux') throw imageRefused(`it is for ${sanitizeText(parsed.os, 50)} and not for Linux`)
  return parsed
}

function parse<T>(schema: z.ZodType<T>, bytes: Buffer, what: string): T {
  const json = parseJson(z.unknown(), bytes.toString('utf8'))
  if (json === undefined) throw imageRefused(`${what} is no JSON`)
  const { success, data, error } = schema.safeParse(json)
  if (success) return data
  const [issue] = error.issues
  const where = issue?.path.map(String).join('.') ?? ''
  throw imageRefused(`${what} is not right: ${sanitizeText(`${where} ${issue?.message}`, 200)}`)
}

/** Returns how a layer is packed. Throws `image.refused` for what is no layer that can be stored. */
export function compressionOf({ mediaType }: Pick<BlobDescriptor, 'mediaType'>): Compression {
  const compression = LAYERS.get(mediaType)
  if (compression !== undefined) return compression
  throw imageRefused(`it has a layer of the type ${sanitizeText(mediaType, 100)}, which is not supported`)
}

export const isIndex = (mediaType: string): boolean => mediaType === OCI_INDEX || mediaType === DOCKER_INDEX
export const isManifest = (mediaType: string): boolean =>
  mediaType === OCI_MANIFEST || mediaType === DOCKER_MANIFEST

/** Returns the manifests of an index that are for Linux on a supported architecture: the first of each. Pure. */
export function chooseManifests({ manifests }: ImageIndex): ImageIndex['manifests'] {
  return IMAGE_ARCHITECTURES.flatMap((architecture) => {
    const found = manifests.find(
      (each) =>
        isManifest(each.mediaType) &&
        each.platform?.os === 'linux' &&
        each.platform.architecture === architecture &&
        // amd64/v3 and arm/v9 are for some processors only.
        [undefined, 'v1', 'v8'].includes(each.platform.variant),
    )
    return found ? [found] : []
  })
}

/** Puts a variant together from its manifest. Throws `image.refused` for another architecture, and for layers that the config does not know. */
export function toVariant(
  { digest, mediaType, bytes }: BlobDescriptor,
  { config: configDescriptor, layers }: ImageManifest,
  { architecture, rootfs }: ImageConfig,
): ImageVariant {
  const known = IMAGE_ARCHITECTURES.find((each) => each === architecture)
  if (known === undefined)
    throw imageRefused(
      `it is for the architecture ${sanitizeText(architecture, 50)}; hosts have ${IMAGE_ARCHITECTURES.join(' or ')}`,
    )
  if (rootfs.diff_ids.length !== layers.length)
    throw imageRefused(`its config knows ${rootfs.diff_ids.length} layers, and its manifest ${layers.length}`)
  const all = [{ digest, mediaType, bytes }, ...[configDescriptor, ...layers].map(toBlob)]
  const blobs = [...new Map(all.map((blob) => [blob.digest, blob])).values()]
  const total = blobs.reduce((sum, blob) => sum + blob.bytes, 0)
  return { architecture: known, digest, mediaType, bytes: total, blobs }
}

/** Returns a descriptor in our own words. */
export const toBlob = ({ mediaType, digest, size }: z.infer<typeof descriptor>): BlobDescriptor => ({
  mediaType,
  digest,
  bytes: size,
})

/** Makes the manifest of an image that has none, from its config and layers; the same ones always give the same bytes. Pure. */
export function makeManifest(
  configBlob: Omit<BlobDescriptor, 'mediaType'>,
  layers: readonly (Omit<BlobDescriptor, 'mediaType'> & { compression: Compression })[],
): { descriptor: BlobDescriptor; data: Buffer } {
  const body = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { mediaType: OCI_CONFIG, digest: configBlob.digest, size: configBlob.bytes },
    layers: layers.map(({ digest, bytes, compression }) => ({
      mediaType: `application/vnd.oci.image.layer.v1.tar${compression === 'none' ? '' : `+${compression}`}`,
      digest,
      size: bytes,
    })),
  }
  const data = Buffer.from(JSON.stringify(body))
  const digest = toDigest(hash('sha256', data))
  return { descriptor: { mediaType: OCI_MANIFEST, digest, bytes: data.length }, data }
}
