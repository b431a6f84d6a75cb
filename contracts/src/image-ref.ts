const HOST =
  /^(?:localhost|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+|[A-Za-z0-9-]+(?=:\d)|\[[0-9A-Fa-f:]+\])(?::\d{1,5})?$/
const PATH = /^[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*)*$/
const REFERENCE = /^([^@]+?)(?::([A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$/

/** The longest reference to an image. */
export const MAX_IMAGE_REF_LENGTH = 512
/** Where images without a registry in their name come from. */
export const DEFAULT_REGISTRY = 'docker.io'

/** The parts of a reference to an image. */
export interface ImageRef {
  /** Registry and path, whole: `docker.io/library/postgres`. */
  repository: string
  /** `latest` if neither tag nor digest is given; null beside a digest alone. */
  tag: string | null
  digest: string | null
}

/** Parses a reference to an image, a short one as Docker means it. Returns undefined if it is none. */
export function parseImageRef(text: string): ImageRef | undefined {
  if (text.length > MAX_IMAGE_REF_LENGTH) return undefined
  // The last colon of a host with a port is no tag.
  const slash = text.lastIndexOf('/')
  const last = REFERENCE.exec(text.slice(slash + 1))
  if (!last) return undefined
  const [, name = '', tag, digest] = last
  const path = text.slice(0, slash + 1) + name
  const [first = '', ...rest] = path.split('/')
  const hasHost = rest.length > 0 && HOST.test(first)
  const [host, inner] = hasHost ? [first, rest.join('/')] : [DEFAULT_REGISTRY, path]
  if (!PATH.test(inner)) return undefined
  const whole = host === DEFAULT_REGISTRY && !inner.includes('/') ? `library/${inner}` : inner
  return {
    repository: `${host}/${whole}`,
    tag: tag ?? (digest ? null : 'latest'),
    digest: digest ?? null,
  }
}

/** Formats an image as people write it: `postgres:16`, `registry.lan/shop/web@sha256:…`. */
export function formatImageRef({ repository, tag, digest }: ImageRef): string {
  const short = repository.replace(/^docker\.io\/(?:library\/)?/, '')
  // A path that begins like a registry, or with "library", needs what was taken away.
  const name = parseImageRef(short)?.repository === repository ? short : repository
  return name + (tag === null ? '' : `:${tag}`) + (digest === null ? '' : `@${digest}`)
}
