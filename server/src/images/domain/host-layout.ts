import type { ImageVariant } from './image.ts'

/** Where hosts have their images. */
export const HOST_IMAGES_FOLDER = '/var/lib/rollcall-images'

/** The folder of an image, from which `podman pull oci:FOLDER` takes it, by the hash of its manifest. */
export const toLayoutFolder = (manifestHash: string): string => `${HOST_IMAGES_FOLDER}/${manifestHash}`

/** Returns the small files of the OCI layout of one image, by path in its folder. Pure. */
export function layoutFiles({ mediaType, digest, architecture, blobs }: ImageVariant) {
  const size = blobs.find((blob) => blob.digest === digest)?.bytes
  const manifest = { mediaType, digest, size, platform: { architecture, os: 'linux' } }
  const toFile = (path: string, content: object) => ({ path, data: Buffer.from(JSON.stringify(content)) })
  return [
    toFile('oci-layout', { imageLayoutVersion: '1.0.0' }),
    toFile('index.json', { schemaVersion: 2, manifests: [manifest] }),
  ]
}
