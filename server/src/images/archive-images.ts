import { Readable } from 'node:stream'
import { Injectable } from '@nestjs/common'
import { readFrame } from '../blobs/index.ts'
import {
  type ArchiveContents,
  type ArchiveFile,
  type DockerImages,
  namesIn,
  parseDockerManifest,
} from './domain/archive-contents.ts'
import { type ImageContent, toDigest } from './domain/image.ts'
import {
  type Compression,
  chooseManifests,
  type ImageIndex,
  imageRefused,
  isIndex,
  isManifest,
  makeManifest,
  noVariant,
  parseIndex,
  toBlob,
} from './domain/manifest.ts'
import { compressionByMagic, MAGIC_BYTES } from './domain/unpacking.ts'
import { ImageStore } from './image-store.ts'
import { VariantReader } from './variant-reader.ts'

/** An image of an archive, and the names that the archive says. */
export interface ArchiveImage {
  names: string[]
  content: ImageContent
}

type IndexEntry = ImageIndex['manifests'][number]

/** Finds the images of an archive whose files are in the store. */
@Injectable()
export class ArchiveImages {
  constructor(
    private readonly store: ImageStore,
    private readonly variants: VariantReader,
  ) {}

  /** Returns every image, verified. Throws `image.refused` and `image.architecture`. */
  async find(contents: ArchiveContents): Promise<ArchiveImage[]> {
    // Newer versions of Docker write both: then the layout has the digests that registries know.
    const index = contents.find('oci-layout') && contents.find('index.json')
    if (index) return this.fromLayout(contents, index)
    const manifest = contents.find('manifest.json')
    if (!manifest)
      throw imageRefused(
        'the archive holds neither index.json nor manifest.json; make one with "docker save", "podman save" or "skopeo copy … oci-archive:"',
      )
    const images: ArchiveImage[] = []
    for (const image of parseDockerManifest(await this.store.readJson(manifest.sha256)))
      images.push(await this.fromDocker(contents, image))
    return images
  }

  private async fromLayout(contents: ArchiveContents, index: ArchiveFile): Promise<ArchiveImage[]> {
    const images = new Map<string, ArchiveImage>()
    for (const entry of parseIndex(await this.store.readJson(index.sha256)).manifests) {
      const known = images.get(entry.digest)
      if (known) known.names.push(...namesIn(entry))
      else images.set(entry.digest, { names: namesIn(entry), content: await this.readEntry(contents, entry) })
    }
    if (images.size === 0) throw imageRefused('the archive holds no image')
    return [...images.values()]
  }

  private async readEntry(contents: ArchiveContents, entry: IndexEntry): Promise<ImageContent> {
    if (isManifest(entry.mediaType))
      return { digest: entry.digest, variants: [await this.readVariant(contents, entry)] }
    if (!isIndex(entry.mediaType)) throw imageRefused(`${entry.digest} of the archive is no image`)
    const { sha256 } = contents.requireBlob(entry)
    const chosen = chooseManifests(parseIndex(await this.store.readJson(sha256)))
    // What is saved of an image for several architectures is often one of them.
    const here = chosen.filter(({ digest }) => contents.hasBlob(digest))
    if (here.length === 0) throw noVariant('the archive')
    const variants: ImageContent['variants'] = []
    for (const manifest of here) variants.push(await this.readVariant(contents, manifest))
    return { digest: entry.digest, variants }
  }

  private async readVariant(contents: ArchiveContents, entry: IndexEntry) {
    contents.requireBlob(entry)
    const { config, layers } = await this.variants.readManifest(entry.digest)
    for (const blob of [config, ...layers]) contents.requireBlob(blob)
    return this.variants.read(toBlob(entry))
  }

  private async fromDocker(
    contents: ArchiveContents,
    { Config, Layers, RepoTags }: DockerImages[number],
  ): Promise<ArchiveImage> {
    const layers: (ReturnType<typeof toPart> & { compression: Compression })[] = []
    for (const path of Layers) {
      const file = contents.require(path)
      layers.push({ ...toPart(file), compression: await this.compressionOf(file) })
    }
    const { descriptor, data } = makeManifest(toPart(contents.require(Config)), layers)
    await this.store.add(Readable.from([data]))
    const variant = await this.variants.read(descriptor)
    return { names: RepoTags ?? [], content: { digest: variant.digest, variants: [variant] } }
  }

  private async compressionOf({ sha256 }: ArchiveFile): Promise<Compression> {
    const blob = await this.store.find(sha256)
    if (blob === null) throw imageRefused(`its layer ${sha256} was removed meanwhile; add it again`)
    try {
      const [frame] = blob.frames
      const head = frame ? await readFrame(blob, 0, frame) : Buffer.alloc(0)
      const compression = compressionByMagic(head.subarray(0, MAGIC_BYTES))
      if (compression !== 'other') return compression
      throw imageRefused(`its layer ${sha256} is packed otherwise than with gzip or zstd`)
    } finally {
      await blob.close()
    }
  }
}

const toPart = ({ sha256, bytes }: ArchiveFile) => ({ digest: toDigest(sha256), bytes })
