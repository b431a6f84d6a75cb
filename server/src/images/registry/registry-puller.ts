import { Readable } from 'node:stream'
import { Injectable } from '@nestjs/common'
import type { ImageRef } from '@rollcall/contracts'
import { mapInOrder } from '../../platform/map-in-order.ts'
import type { BlobDescriptor, ImageContent } from '../domain/image.ts'
import { parseManifest, toBlob } from '../domain/manifest.ts'
import { type RegistryPlace, toPlaces } from '../domain/registry.ts'
import { ImageStore } from '../image-store.ts'
import { RegistriesRepository } from '../registries.repository.ts'
import { VariantReader } from '../variant-reader.ts'
import { type FetchedManifest, RegistryClient } from './registry-client.ts'
import { RegistryHttp } from './registry-http.ts'
import { askInOrder, fetchManifests } from './registry-manifests.ts'

/** Blobs that are fetched at the same time. */
const MAX_CONCURRENT_BLOBS = 3

export interface PullOptions {
  signal: AbortSignal
  /** Gets the bytes that have come, of how many. */
  onProgress: (bytes: number, totalBytes: number) => void
}

/** Brings images from registries into the store: only blobs that it lacks, and every one verified. */
@Injectable()
export class RegistryPuller {
  constructor(
    private readonly registries: RegistriesRepository,
    private readonly http: RegistryHttp,
    private readonly store: ImageStore,
    private readonly variants: VariantReader,
  ) {}

  /**
   * Pulls the variants of an image that hosts can run: from the first mirror that gives it all, or from its registry. Throws
   * `image.not_found`, `image.refused`, `image.architecture`, `registry.*`, or the signal's reason.
   */
  async pull({ repository, tag, digest }: ImageRef, options: PullOptions): Promise<ImageContent> {
    const settings = new Map((await this.registries.list()).map((each) => [each.host, each]))
    const places = toPlaces(repository, (host) => settings.get(host))
    return askInOrder(places, options.signal, (place) =>
      this.pullFrom(place, digest ?? tag ?? 'latest', options),
    )
  }

  private async pullFrom(
    place: RegistryPlace,
    reference: string,
    options: PullOptions,
  ): Promise<ImageContent> {
    const stop = new AbortController()
    const signal = AbortSignal.any([options.signal, stop.signal])
    try {
      const client = new RegistryClient(place, this.http, signal)
      const top = await client.fetchManifest(reference)
      const manifests = await fetchManifests(client, place, top)
      const parsed = manifests.map(({ data }) => parseManifest(data))
      const blobs = parsed.flatMap(({ config, layers }) => [config, ...layers].map(toBlob))
      await this.fetchBlobs(client, blobs, options)
      return { digest: top.descriptor.digest, variants: await this.readVariants(manifests, signal) }
    } finally {
      // What is under way beside the part that failed ends too.
      stop.abort()
    }
  }

  private async readVariants(manifests: readonly FetchedManifest[], signal: AbortSignal) {
    const variants: ImageContent['variants'] = []
    for (const { descriptor, data } of manifests) {
      await this.store.add(Readable.from([data]))
      variants.push(await this.variants.read(descriptor, signal))
    }
    return variants
  }

  private async fetchBlobs(
    client: RegistryClient,
    all: readonly BlobDescriptor[],
    { onProgress }: PullOptions,
  ): Promise<void> {
    const missing: BlobDescriptor[] = []
    for (const blob of new Map(all.map((each) => [each.digest, each])).values())
      if (!(await this.store.has(blob.digest))) missing.push(blob)
    const total = missing.reduce((sum, { bytes }) => sum + bytes, 0)
    const done = new Map<string, number>()
    const report = () =>
      onProgress(
        [...done.values()].reduce((sum, bytes) => sum + bytes, 0),
        total,
      )
    report()
    const fetching = mapInOrder(missing, MAX_CONCURRENT_BLOBS, (blob) =>
      client.fetchBlob(blob, (content) => {
        const count = (bytes: number) => {
          done.set(blob.digest, bytes)
          report()
        }
        return this.store.add(counting(content, count))
      }),
    )
    for await (const _fetched of fetching);
  }
}

/** Calls back with how much has come by now. */
async function* counting(
  content: AsyncIterable<Buffer>,
  count: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  let bytes = 0
  for await (const piece of content) {
    bytes += piece.length
    count(bytes)
    yield piece
  }
}
