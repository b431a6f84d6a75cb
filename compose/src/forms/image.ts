import { type ImageRef, parseImageRef } from '@rollcall/contracts'
import { text } from '../read/scalars.ts'
import { converted, type Shape } from '../read/shape.ts'

/** An image by its name, short ones as Docker means them: `postgres` is `docker.io/library/postgres:latest`. */
export const image: Shape<ImageRef> = converted(
  text({ form: 'an image such as postgres:16 or registry.lan/shop/web:2.4', max: 512 }),
  (value, node, reader) => {
    const parsed = parseImageRef(value)
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
