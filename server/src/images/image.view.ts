import type { ImagePullView, ImageView, RegistryView } from '@rollcall/contracts/admin'
import type { HostScope } from '../access/index.ts'
import { blobsOf } from './domain/image.ts'
import type { ImagePull } from './domain/image-pull.ts'
import type { Registry } from './domain/registry.ts'
import { type KnownImage, toName } from './images.service.ts'

/** Who may act on some hosts only is not told what uses an image. */
export const toImageView = ({ image, usedBy, spares, isHere }: KnownImage, scope: HostScope): ImageView => {
  const { id, repository, tag, digest, source, variants, addedBy, addedAt } = image
  return {
    id,
    name: toName(image),
    repository,
    tag,
    digest,
    source,
    bytes: blobsOf(image).reduce((sum, { bytes }) => sum + bytes, 0),
    variants: variants.map((variant) => ({
      architecture: variant.architecture,
      digest: variant.digest,
      bytes: variant.bytes,
      // All but the manifest and the config.
      layers: Math.max(0, variant.blobs.length - 2),
    })),
    usedBy: scope === null ? usedBy : [],
    spares: scope === null ? spares.map(({ service, host, state }) => ({ service, host, state })) : [],
    isHere,
    addedBy,
    addedAt: addedAt.toISOString(),
  }
}

export const toImagePullView = ({ createdAt, endedAt, ...pull }: ImagePull): ImagePullView => ({
  ...pull,
  createdAt: createdAt.toISOString(),
  endedAt: endedAt?.toISOString() ?? null,
})

export const toRegistryView = ({ password: _, ca, addedAt, ...registry }: Registry): RegistryView => ({
  ...registry,
  hasCa: ca !== null,
  addedAt: addedAt.toISOString(),
})
