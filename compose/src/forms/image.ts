import { text } from '../read/scalars.ts'
import { converted, type Shape } from '../read/shape.ts'

const HOST =
  /^(?:localhost|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+|[A-Za-z0-9-]+(?=:\d)|\[[0-9A-Fa-f:]+\])(?::\d{1,5})?$/
const PATH = /^[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*)*$/
const REFERENCE = /^([^@]+?)(?::([A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$/

export interface Image {
  /** Registry and path, whole: `docker.io/library/postgres`. */
  repository: string
  /** `latest` if neither tag nor digest is given; null beside a digest alone. */
  tag: string | null
  digest: string | null
}

/** An image by its name, short ones as Docker means them: `postgres` is `docker.io/library/postgres:latest`. */
export const image: Shape<Image> = converted(
  text({ form: 'an image such as postgres:16 or registry.lan/shop/web:2.4', max: 512 }),
  (value, node, reader) => {
    const parsed = parseImage(value)
    if (!parsed)
      return reader.fault(
        node.place,
        'is not the name of an image',
        'write registry/path:tag in lower case, such as registry.lan/shop/web:2.4',
      )
    if (!parsed.digest && (parsed.tag === 'latest' || parsed.tag === null))
      reader.take(
        node.place,
        'otherwise',
        'has no fixed version: the digest of "latest" is kept when it is planned',
      )
    return parsed
  },
)

function parseImage(value: string): Image | undefined {
  // The last colon of a host with a port is no tag.
  const slash = value.lastIndexOf('/')
  const last = REFERENCE.exec(value.slice(slash + 1))
  if (!last) return undefined
  const [, name = '', tag, digest] = last
  const path = value.slice(0, slash + 1) + name
  const [first = '', ...rest] = path.split('/')
  const hasHost = rest.length > 0 && HOST.test(first)
  const [host, inner] = hasHost ? [first, rest.join('/')] : ['docker.io', path]
  if (!PATH.test(inner)) return undefined
  const whole = host === 'docker.io' && !inner.includes('/') ? `library/${inner}` : inner
  return {
    repository: `${host}/${whole}`,
    tag: tag ?? (digest ? null : 'latest'),
    digest: digest ?? null,
  }
}
