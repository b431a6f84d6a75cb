import { Inject, Injectable } from '@nestjs/common'
import { type BlobDescriptor, type ImageVariant, toHash } from './domain/image.ts'
import { type ImageManifest, parseConfig, parseManifest, toBlob, toVariant } from './domain/manifest.ts'
import { ImageStore } from './image-store.ts'
import { ImagesRepository } from './images.repository.ts'
import { LayerCheck } from './layer-check.ts'

/** Reads variants of images whose blobs are in the store, and verifies them. */
@Injectable()
export class VariantReader {
  constructor(
    private readonly store: ImageStore,
    private readonly layers: LayerCheck,
    @Inject(ImagesRepository) private readonly images: Pick<ImagesRepository, 'findVariant'>,
  ) {}

  /** Reads a manifest. Throws `image.refused`. */
  async readManifest(digest: string): Promise<ImageManifest> {
    return parseManifest(await this.store.readJson(toHash(digest)))
  }

  /**
   * Puts a variant together, every layer compared with its config; one that is stored was compared before. Throws `image.refused`, or
   * the signal's reason.
   */
  async read(descriptor: BlobDescriptor, signal?: AbortSignal): Promise<ImageVariant> {
    const stored = await this.images.findVariant(descriptor.digest)
    if (stored) return stored
    const manifest = await this.readManifest(descriptor.digest)
    const config = parseConfig(await this.store.readJson(toHash(manifest.config.digest)))
    const variant = toVariant(descriptor, manifest, config)
    await this.layers.verify(manifest.layers.map(toBlob), config, signal)
    return variant
  }
}
