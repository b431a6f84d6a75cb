import { createHash } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { readFrames } from '../blobs/index.ts'
import { type BlobDescriptor, toDigest } from './domain/image.ts'
import { type Compression, compressionOf, type ImageConfig, imageRefused } from './domain/manifest.ts'
import { isBomb } from './domain/unpacking.ts'
import { ImageStore } from './image-store.ts'
import { isDamage, unpack } from './unpack.ts'

/** Verifies that layers are what the config of their image says, before any host unpacks them. */
@Injectable()
export class LayerCheck {
  constructor(private readonly store: ImageStore) {}

  /** Unpacks each layer and compares its hash. Throws `image.refused` for others, for damaged ones and for bombs. */
  async verify(
    layers: readonly BlobDescriptor[],
    { rootfs }: Pick<ImageConfig, 'rootfs'>,
    signal?: AbortSignal,
  ): Promise<void> {
    for (const [index, layer] of layers.entries()) {
      const expected = rootfs.diff_ids[index]
      const compression = compressionOf(layer)
      const found =
        compression === 'none' ? layer.digest : await this.unpackedDigest(layer, compression, signal)
      if (found === expected) continue
      throw imageRefused(
        `its layer ${index + 1} (${layer.digest}) is not the one of its config: unpacked it is ${found}, and not ${expected}`,
      )
    }
  }

  private async unpackedDigest(
    layer: BlobDescriptor,
    compression: Exclude<Compression, 'none'>,
    signal?: AbortSignal,
  ): Promise<string> {
    const blob = await this.store.findDigest(layer.digest)
    if (blob === null) throw imageRefused(`its layer ${layer.digest} was removed meanwhile; add it again`)
    const hash = createHash('sha256')
    let bytes = 0
    try {
      for await (const piece of unpack(readFrames(blob), compression)) {
        signal?.throwIfAborted()
        bytes += piece.length
        if (isBomb({ packed: blob.size, unpacked: bytes }))
          throw imageRefused(
            `its layer ${layer.digest} unpacks to more than ${bytes} bytes from ${blob.size}`,
          )
        hash.update(piece)
      }
    } catch (error) {
      if (isDamage(error))
        throw imageRefused(`its layer ${layer.digest} is damaged: it is no ${compression}`, error)
      throw error
    } finally {
      await blob.close()
    }
    return toDigest(hash.digest('hex'))
  }
}
