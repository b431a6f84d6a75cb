import { Inject, Injectable } from '@nestjs/common'
import { parseImageRef, RollcallError } from '@rollcall/contracts'
import type { ImageArchitecture } from '@rollcall/contracts/admin'
import { AgentFiles, type OnProgress, type TreeEntry, toTreeMember } from '../files/index.ts'
import { HostsService } from '../hosts/index.ts'
import { Clock } from '../platform/clock/clock.ts'
import { SERVER_ID } from '../platform/tokens.ts'
import { HOST_IMAGES_FOLDER, layoutFiles } from './domain/host-layout.ts'
import { type BlobDescriptor, type ImageVariant, type StoredImage, toHash } from './domain/image.ts'
import { ImageStore } from './image-store.ts'
import { ImagesRepository } from './images.repository.ts'
import { ImagesService, notStored, toName } from './images.service.ts'
import { RegistryPuller } from './registry/registry-puller.ts'

/** Images are for root alone on hosts: they may hold what not everybody should read. */
const MODE = 0o600

/** An image that a host is to have. */
interface WantedImage {
  ref: string
  /** The digest of the index or of a manifest. */
  digest: string
  architecture: ImageArchitecture
}

/** The result of bringing an image to a host. */
interface Delivered {
  /** The digest of the manifest. */
  digest: string
  /** The bytes that were sent, before compression. */
  sentBytes: number
}

/** Brings images to hosts, as OCI layouts that share their blobs: only blobs that a host lacks are sent. */
@Injectable()
export class ImageDelivery {
  private readonly last = new Map<string, Promise<unknown>>()

  constructor(
    private readonly images: ImagesRepository,
    private readonly service: ImagesService,
    private readonly hosts: HostsService,
    private readonly store: ImageStore,
    private readonly puller: RegistryPuller,
    private readonly files: AgentFiles,
    private readonly clock: Clock,
    @Inject(SERVER_ID) private readonly serverId: string,
  ) {}

  /**
   * Ensures that a host has an image under `/var/lib/rollcall-images/<hash of the manifest>`, whole and on its disk. One at a time for
   * each host, so that no blob is sent twice. Throws `image.not_found`, `image.architecture`, `image.elsewhere`, what pulling throws
   * where this server lacks a part, and what `AgentFiles.syncTree` throws.
   */
  async ensure(
    hostId: string,
    wanted: WantedImage,
    signal: AbortSignal,
    onProgress?: OnProgress,
  ): Promise<Delivered> {
    return this.oneAtATime(hostId, signal, () => this.deliver(hostId, wanted, signal, onProgress))
  }

  /** Runs `work` while this server brings no image to a host. Throws what it throws, or the signal's reason. */
  async oneAtATime<T>(hostId: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    // The caller of the one before learns how that ended.
    const before = this.last.get(hostId)?.catch(() => undefined)
    const working = (async () => {
      await before
      signal.throwIfAborted()
      return work()
    })()
    this.last.set(hostId, working)
    try {
      return await working
    } finally {
      if (this.last.get(hostId) === working) this.last.delete(hostId)
    }
  }

  /** As `ensure`, for an image by its name and a host of any architecture. */
  async send(hostId: string, ref: string, signal: AbortSignal): Promise<Delivered> {
    const { digest } = await this.service.resolve(ref)
    const { agent } = await this.hosts.show(hostId)
    const architecture = agent?.architecture === 'arm64' ? 'arm64' : 'amd64'
    return this.ensure(hostId, { ref, digest, architecture }, signal)
  }

  private async deliver(
    hostId: string,
    wanted: WantedImage,
    signal: AbortSignal,
    onProgress: OnProgress | undefined,
  ): Promise<Delivered> {
    const { image, variant } = await this.find(wanted)
    await this.requireBlobs(image, variant, signal)
    let sentBytes = 0
    await this.files.syncTree(
      hostId,
      {
        destination: HOST_IMAGES_FOLDER,
        entries: await this.toEntries(variant),
        makeParents: true,
        owner: 'root:root',
        deletesOthers: false,
        isDryRun: false,
        onProgress: (bytes, total) => {
          // The last report may be of an earlier chunk; where the transfer succeeds, all has been sent.
          sentBytes = total
          onProgress?.(bytes, total)
        },
      },
      signal,
    )
    await this.images.recordDelivery(variant.digest, hostId, this.clock.now())
    return { digest: variant.digest, sentBytes }
  }

  private async find({ ref, digest, architecture }: WantedImage) {
    const images = await this.images.byDigest(digest)
    const image = images.find(({ variants }) => variants.some((each) => each.digest === digest)) ?? images[0]
    if (!image) throw notStored({ ...(parseImageRef(ref) ?? { repository: ref, tag: null }), digest })
    const variant = image.variants.find((each) => each.architecture === architecture)
    if (variant && (digest === image.digest || digest === variant.digest)) return { image, variant }
    throw wrongArchitecture(image, architecture)
  }

  /** Fetches what this server lacks of an image from its registry. Throws `image.elsewhere` where only another server has it. */
  private async requireBlobs(image: StoredImage, variant: ImageVariant, signal: AbortSignal): Promise<void> {
    const missing = await this.store.missing(variant.blobs.map(({ digest }) => toHash(digest)))
    if (missing.length === 0) return
    if (image.source === 'registry') {
      const { repository, digest } = image
      const content = await this.puller.pull(
        { repository, tag: null, digest },
        { signal, onProgress: () => undefined },
      )
      // The blobs alone: by now another version may go by the tag, or the image be removed.
      await this.images.addBlobs(content, this.serverId, this.clock.now())
      return
    }
    const digests = variant.blobs.map(({ digest }) => digest)
    if (await this.images.isElsewhere(digests, this.serverId))
      throw new RollcallError(
        'image.elsewhere',
        `Another server has the image ${toName(image)}, and this one does not. It is sent by that one.`,
      )
    throw new RollcallError(
      'image.not_found',
      `The servers lack ${missing.length} of ${digests.length} parts of the image ${toName(image)}. Add its archive again: rollcall image add FILE`,
    )
  }

  /** The manifest's own files come last: what `podman pull` finds is whole, or not yet there. */
  private async toEntries(variant: ImageVariant): Promise<TreeEntry[]> {
    const folder = toHash(variant.digest)
    const small = await Promise.all(
      layoutFiles(variant).map(({ path, data }) =>
        toTreeMember({ path: `${folder}/${path}`, mode: MODE, data }),
      ),
    )
    return [
      ...variant.blobs.map((blob) => this.toMember(blob)),
      ...small,
      { path: `${folder}/blobs`, link: '../blobs' },
    ]
  }

  private toMember({ digest, bytes }: BlobDescriptor): TreeEntry {
    const sha256 = toHash(digest)
    const open = async () => {
      const blob = await this.store.find(sha256)
      if (blob) return blob
      throw new RollcallError('image.not_found', `The blob ${digest} was removed while it was sent.`)
    }
    return { path: `blobs/sha256/${sha256}`, mode: MODE, size: bytes, sha256, source: { sha256, open } }
  }
}

const wrongArchitecture = (image: StoredImage, architecture: ImageArchitecture) =>
  new RollcallError(
    'image.architecture',
    `The image ${toName(image)} is for ${image.variants.map((each) => each.architecture).join(' and ')}, and the host is ${architecture}. Add or pull one for ${architecture}, or place the service elsewhere.`,
  )
