import { z } from 'zod'
import { MAX_IMAGE_REF_LENGTH, parseImageRef } from '../../image-ref.ts'
import { plainText, uuid } from '../../text.ts'
import { defineStates, type StateDescriptor } from '../states.ts'

/** The architectures whose variants of an image are kept, in the words of OCI. */
export const IMAGE_ARCHITECTURES = ['amd64', 'arm64'] as const
export const imageArchitecture = z.enum(IMAGE_ARCHITECTURES)
export type ImageArchitecture = z.infer<typeof imageArchitecture>

/** The most mirrors of one registry. */
export const MAX_MIRRORS = 8

/** The digest of a manifest, an index or a blob. */
export const imageDigest = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/, 'must be sha256: and 64 hexadecimal digits')

/** A reference to an image, such as `postgres:16` or `registry.lan/shop/web@sha256:…`. */
export const imageRef = z
  .string()
  .max(MAX_IMAGE_REF_LENGTH)
  .refine(
    (text) => parseImageRef(text) !== undefined,
    'must be the name of an image, such as postgres:16 or registry.lan/shop/web:2.4',
  )

const taggedImageRef = imageRef.refine(
  (text) => !text.includes('@'),
  'must be a name with a tag, such as registry.lan/shop/web:2.4, and no digest',
)

const HOST = String.raw`(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:]+\])(?::\d{1,5})?`

/** The registry as it stands in the names of images: `docker.io`, `registry.lan:5000`. */
export const registryHost = z
  .string()
  .max(260)
  .regex(new RegExp(`^${HOST}$`), 'must be a name or address in lower case, with a port where it is not 443')

/** A registry that has the images of another one, and below which path. */
const mirror = z
  .string()
  .max(500)
  .regex(
    new RegExp(`^${HOST}(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*$`),
    'must be a registry such as mirror.lan:5000 or mirror.lan/dockerhub',
  )

export const newRegistry = z
  .strictObject({
    host: registryHost,
    username: plainText(255).min(1).nullable().default(null),
    /** A password or a token. It is stored encrypted and never shown again. */
    password: z.string().min(1).max(4096).nullable().default(null),
    /** Are asked before the registry itself, in this order. */
    mirrors: z.array(mirror).max(MAX_MIRRORS).default([]),
    /** Uses HTTP: everybody on the way can read the password and change images that are pulled by tag. */
    plainHttp: z.boolean().default(false),
    /** The certificates, in PEM, of the authority that signed the registry's; null for those that the server's system trusts. */
    ca: z.string().max(65_536).nullable().default(null),
  })
  .superRefine(({ username, password }, context) => {
    if ((username === null) === (password === null)) return
    const path = [username === null ? 'username' : 'password']
    context.addIssue({ code: 'custom', path, message: 'is needed: a user and a password go together' })
  })
export type NewRegistry = z.output<typeof newRegistry>

export const registryView = z.strictObject({
  host: z.string(),
  username: z.string().nullable(),
  mirrors: z.array(z.string()),
  plainHttp: z.boolean(),
  hasCa: z.boolean(),
  addedBy: z.string(),
  addedAt: z.iso.datetime(),
})
export type RegistryView = z.infer<typeof registryView>

export const imageVariantView = z.strictObject({
  architecture: imageArchitecture,
  /** The digest of the manifest. */
  digest: imageDigest,
  /** All that a host needs of it that has nothing yet. */
  bytes: z.int(),
  layers: z.int(),
})

/** The state of the copy on a spare host: `failed` is tried again. */
export const imageSpareState = z.enum(['waiting', 'there', 'failed'])
export type ImageSpareState = z.infer<typeof imageSpareState>

export const imageView = z.strictObject({
  id: uuid,
  /** As people write it: `postgres:16`; with the digest where it has no tag. */
  name: z.string(),
  repository: z.string(),
  /** Null once another version has taken the tag. */
  tag: z.string().nullable(),
  /** The digest of the index, or of the only manifest. */
  digest: imageDigest,
  source: z.enum(['archive', 'registry']),
  /** All variants; what they share counts once. */
  bytes: z.int(),
  variants: z.array(imageVariantView),
  /** The names of services that use it: it cannot be removed meanwhile. */
  usedBy: z.array(z.string()),
  /** The hosts that keep it for a service without an instance there; nothing removes it from them. */
  spares: z
    .array(z.strictObject({ service: z.string(), host: z.string(), state: imageSpareState }))
    .default([]),
  /** False where this server lacks a part, which another one may have. */
  isHere: z.boolean(),
  addedBy: z.string(),
  addedAt: z.iso.datetime(),
})
export type ImageView = z.infer<typeof imageView>

export const IMAGE_PULL_STATE = defineStates<StateDescriptor>()({
  running: { tone: 'busy', sign: '◐', urgency: 1 },
  success: { tone: 'ok', sign: '●', urgency: 2, isOver: true },
  failed: { tone: 'bad', sign: '✗', urgency: 0, isOver: true, isFailure: true },
  cancelled: { tone: 'faint', sign: '–', urgency: 3, isOver: true, isFailure: true },
})
export const imagePullState = IMAGE_PULL_STATE.schema
export type ImagePullState = z.infer<typeof imagePullState>

export const newImagePull = z.strictObject({
  /** Chosen by the caller: a repeated request starts nothing twice. */
  pullId: uuid.optional(),
  ref: imageRef,
})

export const prunedHostImages = z.strictObject({
  /** Images that came to the host later are kept: they may have been sent ahead of time. */
  olderThanHours: z
    .int()
    .min(0)
    .max(24 * 365)
    .default(24),
})

export const imagePullView = z.strictObject({
  id: uuid,
  ref: z.string(),
  state: imagePullState,
  /** The bytes that have come, of blobs that the server did not have. */
  bytes: z.int(),
  /** Null until the manifests are read. */
  totalBytes: z.int().nullable(),
  /** Null until it has succeeded, and where it was removed since. */
  imageId: uuid.nullable(),
  reasonCode: z.string().nullable(),
  reason: plainText(2000).nullable(),
  requestedBy: z.string(),
  createdAt: z.iso.datetime(),
  endedAt: z.iso.datetime().nullable(),
})
export type ImagePullView = z.infer<typeof imagePullView>

export const addedImage = z.strictObject({
  /** The name of the image; needed where the archive says none. */
  ref: taggedImageRef.optional(),
})
