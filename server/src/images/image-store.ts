import { Injectable } from '@nestjs/common'
import { type Blob, BlobStore, readWhole } from '../blobs/index.ts'
import { toHash } from './domain/image.ts'
import { imageRefused, MAX_MANIFEST_BYTES } from './domain/manifest.ts'

/**
 * Stores the blobs of images on this server. It is apart from the contents of transfers, which are evicted after a day: these stay
 * until no image names them.
 */
@Injectable()
export class ImageStore extends BlobStore {
  constructor(folder: string, maxBytes: number) {
    super(
      folder,
      maxBytes,
      'Remove images that nothing needs: rollcall image list; or raise ROLLCALL_IMAGES_BYTES.',
    )
  }

  /** Opens the blob of a digest and marks it as used. Returns null if it is not here. */
  findDigest(digest: string): Promise<Blob | null> {
    return this.find(toHash(digest))
  }

  /** Returns whether a blob is here, and marks it as used. */
  async has(digest: string): Promise<boolean> {
    const blob = await this.findDigest(digest)
    await blob?.close()
    return blob !== null
  }

  /** Reads a manifest, an index or a config. Throws `image.refused` for one that is too large. */
  async readJson(sha256: string): Promise<Buffer> {
    const blob = await this.find(sha256)
    if (blob === null) throw imageRefused(`its part ${sha256} was removed while it was read; add it again`)
    try {
      if (blob.size <= MAX_MANIFEST_BYTES) return await readWhole(blob)
      throw imageRefused(`its part ${sha256} has ${blob.size} bytes; it may have ${MAX_MANIFEST_BYTES}`)
    } finally {
      await blob.close()
    }
  }
}
