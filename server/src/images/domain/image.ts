import type { ImageArchitecture, ImageSpareState } from '@rollcall/contracts/admin'

/** A blob by its digest, `sha256:…`, and what is in it. */
export interface BlobDescriptor {
  mediaType: string
  digest: string
  bytes: number
}

/** The variant of an image for one architecture. */
export interface ImageVariant {
  architecture: ImageArchitecture
  /** The digest of the manifest. */
  digest: string
  mediaType: string
  /** All of the blobs. */
  bytes: number
  /** The manifest, the config and the layers; each once. */
  blobs: BlobDescriptor[]
}

/** The content of an image, wherever it is from. */
export interface ImageContent {
  /** The digest of the index, or of the only manifest. */
  digest: string
  variants: ImageVariant[]
}

export interface StoredImage extends ImageContent {
  id: string
  repository: string
  /** Null once another version has taken it, or if it was pulled by digest alone. */
  tag: string | null
  source: 'archive' | 'registry'
  addedBy: string
  addedAt: Date
  /** When another version took its tag. */
  replacedAt: Date | null
}

/** A copy of an image that a host keeps for a service without an instance there. */
export interface ImageSpare {
  /** The digest of an index or a manifest. */
  digest: string
  service: string
  host: string
  state: ImageSpareState
}

/** Returns the hash in a digest, which names a blob in a store. */
export const toHash = (digest: string): string => digest.slice('sha256:'.length)

/** Returns the digest of a hash. */
export const toDigest = (sha256: string): string => `sha256:${sha256}`

/** Returns the blobs of all variants, each once. */
export function blobsOf({ variants }: Pick<ImageContent, 'variants'>): BlobDescriptor[] {
  const blobs = new Map(variants.flatMap((variant) => variant.blobs.map((blob) => [blob.digest, blob])))
  return [...blobs.values()]
}

/** Returns every digest that an image goes by: its own and those of its variants. */
export const digestsOf = ({ digest, variants }: ImageContent): string[] => [
  ...new Set([digest, ...variants.map((variant) => variant.digest)]),
]

/** Returns who uses an image, by any of its digests. */
export const usersOf = (image: ImageContent, users: ReadonlyMap<string, string[]>): string[] => [
  ...new Set(digestsOf(image).flatMap((digest) => users.get(digest) ?? [])),
]
