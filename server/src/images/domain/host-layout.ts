import type { ImageVariant } from './image.ts'

/** The folder of images on hosts; `podman pull oci:FOLDER/HASH` takes one, by the hash of its manifest. */
export const HOST_IMAGES_FOLDER = '/var/lib/rollcall-images'

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
