import { Inject, Injectable } from '@nestjs/common'
import { formatImageRef, type ImageRef, parseImageRef, RollcallError } from '@rollcall/contracts'
import { Clock } from '../platform/clock/clock.ts'
import type { Sql } from '../platform/prisma/transaction.ts'
import { SERVER_ID } from '../platform/tokens.ts'
import { ArchiveImages } from './archive-images.ts'
import { ArchiveReader } from './archive-reader.ts'
import { chooseNames } from './domain/archive-contents.ts'
import {
  blobsOf,
  digestsOf,
  type ImageContent,
  type ImageSpare,
  type StoredImage,
  toHash,
  usersOf,
} from './domain/image.ts'
import { ImageStore } from './image-store.ts'
import { ImageUses } from './image-uses.ts'
import { ImagesRepository } from './images.repository.ts'

/** An image with what is known of it on this server. */
export interface KnownImage {
  image: StoredImage
  usedBy: string[]
  spares: ImageSpare[]
  /** True if this server has all of its blobs. */
  isHere: boolean
}

/** An image that a reference stands for. */
interface ResolvedImage extends ImageContent, Pick<StoredImage, 'repository' | 'tag' | 'source'> {}

const MAX_NAMED_USERS = 10

/** The images that the servers have. */
@Injectable()
export class ImagesService {
  constructor(
    private readonly images: ImagesRepository,
    private readonly store: ImageStore,
    private readonly reader: ArchiveReader,
    private readonly archives: ArchiveImages,
    private readonly uses: ImageUses,
    private readonly clock: Clock,
    @Inject(SERVER_ID) private readonly serverId: string,
  ) {}

  /** Lists images by name; with `ref` those that it names. */
  async list(ref: string | undefined): Promise<KnownImage[]> {
    const parsed = ref === undefined ? undefined : parseImageRef(ref)
    return this.describe(parsed === undefined ? await this.images.list() : await this.findByRef(parsed))
  }

  /** Returns an image. Throws `image.not_found`. */
  async show(id: string): Promise<KnownImage> {
    const [known] = await this.describe([await this.require(id)])
    return known as KnownImage
  }

  /**
   * Stores the images of an archive, under the names that it says or under `ref`: all, or none. Throws `image.refused`,
   * `image.architecture`, `file.path_refused` and `server.files_full`.
   */
  async add(archive: AsyncIterable<Buffer>, ref: string | undefined, addedBy: string): Promise<KnownImage[]> {
    const found = await this.archives.find(await this.reader.read(archive))
    const names = chooseNames(
      found.map((image) => image.names),
      ref,
    )
    const stored: StoredImage[] = []
    for (const [index, { content }] of found.entries())
      for (const name of names[index] ?? [])
        stored.push(await this.keep({ ...name, source: 'archive', addedBy }, content))
    return this.describe(stored)
  }

  /** Stores an image whose blobs are in the store. Returns it. */
  async keep(
    about: Pick<StoredImage, 'repository' | 'tag' | 'source' | 'addedBy'>,
    content: ImageContent,
  ): Promise<StoredImage> {
    const { digest, variants } = content
    const id = await this.images.store(
      { ...about, digest, variants, addedAt: this.clock.now() },
      this.serverId,
    )
    return this.require(id)
  }

  /** Removes an image. Its blobs go once no other image names them. Throws `image.not_found` and `image.in_use`. */
  async remove(id: string): Promise<void> {
    const image = await this.require(id)
    const users = await this.images.remove(image)
    if (!users) throw noSuchImage(id)
    if (users.length > 0) throw inUse(image, users)
  }

  /**
   * Returns what a reference stands for by now: the image of that digest, or else the one that goes by the tag. In a
   * `transaction`, it is not removed before that ends. Throws `request.invalid` for what is no reference, and
   * `image.not_found` with what to do.
   */
  async resolve(ref: string, transaction?: Sql): Promise<ResolvedImage> {
    const parsed = parseImageRef(ref)
    if (!parsed)
      throw new RollcallError(
        'request.invalid',
        `"${ref.slice(0, 200)}" is not the name of an image. Write registry/path:tag, such as registry.lan/shop/web:2.4.`,
      )
    const [image] = await this.findByRef(parsed, transaction)
    if (!image) throw notStored(parsed)
    const { repository, tag, source, digest, variants } = image
    return { repository, tag, source, digest, variants }
  }

  /** Returns which hosts were given which manifests, by the digest of the manifest. */
  async onHosts(): Promise<Map<string, Set<string>>> {
    const hosts = new Map<string, Set<string>>()
    for (const { digest, hostId } of await this.images.onHosts())
      hosts.set(digest, (hosts.get(digest) ?? new Set()).add(hostId))
    return hosts
  }

  private findByRef({ repository, tag, digest }: ImageRef, transaction?: Sql): Promise<StoredImage[]> {
    if (digest !== null) return this.images.byDigest(digest, repository, transaction)
    return this.images.byTag(repository, tag ?? 'latest', transaction)
  }

  private async require(id: string): Promise<StoredImage> {
    const image = await this.images.find(id)
    if (image) return image
    throw noSuchImage(id)
  }

  private async describe(images: readonly StoredImage[]): Promise<KnownImage[]> {
    const users = await this.images.usersByDigest()
    const spares = await this.uses.sparesByDigest()
    const hashes = (image: StoredImage) => blobsOf(image).map(({ digest }) => toHash(digest))
    const missing = new Set(await this.store.missing(images.flatMap(hashes)))
    return images.map((image) => ({
      image,
      usedBy: usersOf(image, users),
      spares: sparesOf(image, spares),
      isHere: hashes(image).every((hash) => !missing.has(hash)),
    }))
  }
}

/** Lists the spare copies of an image, each once whichever of its digests is kept. */
const sparesOf = (image: ImageContent, spares: ReadonlyMap<string, ImageSpare[]>): ImageSpare[] => [
  ...new Map(
    digestsOf(image)
      .flatMap((digest) => spares.get(digest) ?? [])
      .map((spare) => [`${spare.service} ${spare.host}`, spare]),
  ).values(),
]

/** Formats the name of an image; with its digest where it has no tag. */
export const toName = ({ repository, tag, digest }: Pick<StoredImage, 'repository' | 'tag' | 'digest'>) =>
  formatImageRef({ repository, tag, digest: tag === null ? digest : null })

const noSuchImage = (id: string) =>
  new RollcallError('image.not_found', `There is no image ${id}. List them: rollcall image list`)

/** Returns the error for an image that the servers do not have. */
export function notStored(ref: ImageRef): RollcallError {
  const name = formatImageRef(ref)
  return new RollcallError(
    'image.not_found',
    `The server does not have the image ${name}. Get it from its registry with "rollcall image pull ${name}", or from a file with "rollcall image add FILE".`,
  )
}

function inUse(image: StoredImage, users: readonly string[]): RollcallError {
  const more = users.length - MAX_NAMED_USERS
  const named = users.slice(0, MAX_NAMED_USERS).join(', ') + (more > 0 ? ` and ${more} more` : '')
  return new RollcallError(
    'image.in_use',
    `The image ${toName(image)} is used by ${named}. Change or remove that first.`,
  )
}
