import { RollcallError } from '@rollcall/contracts'
import type { OrderedImage } from './order.ts'
import type { ContainerImage } from './service.ts'

export type HostArchitecture = 'amd64' | 'arm64'

/** Chooses the manifests for an architecture, each once. Throws `image.architecture` and `image.not_found`. */
export const toOrderedImages = (
  images: readonly ContainerImage[],
  architecture: HostArchitecture,
): OrderedImage[] => {
  const ordered = images.map((image) => toOrderedImage(image, architecture))
  return [...new Map(ordered.map((image) => [image.digest, image])).values()]
}

/** Chooses the manifest for an architecture. Throws `image.architecture` and `image.not_found`. */
export function toOrderedImage(
  { ref, digest, source, variants }: ContainerImage,
  architecture: HostArchitecture,
): OrderedImage {
  const variant = variants.find((one) => one.architecture === architecture)
  if (variant) return { ref, digest: variant.digest, source }
  if (variants.length > 0)
    throw new RollcallError(
      'image.architecture',
      `The image ${ref} is for ${variants.map((one) => one.architecture).join(' and ')}, and the host is ${architecture}.`,
    )
  if (digest !== null && source === 'host') return { ref, digest, source }
  throw new RollcallError(
    'image.not_found',
    `What ${ref} stands for is not known to the server. Name it by its digest (${ref}@sha256:…), or have the server pull it: rollcall image pull ${ref}`,
  )
}
