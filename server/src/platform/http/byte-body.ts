import { RollcallError } from '@rollcall/contracts'
import type { Request } from 'express'

/** The body as it comes. JSON was read already by whoever is before us, and nothing would be left of it. Throws `request.invalid`. */
export function toBytes(request: Request): AsyncIterable<Buffer> {
  if (request.headers['content-type'] === 'application/octet-stream') return request
  throw new RollcallError('request.invalid', 'Send content with content-type application/octet-stream.', {
    fields: [{ field: 'content-type', message: 'must be application/octet-stream' }],
  })
}
