import { RollcallError } from '@rollcall/contracts'
import type { Request } from 'express'
import { receiveWithoutLimit } from './receive-limit.ts'

/**
 * Returns the body of a request that is let in, as it comes and however long it takes. JSON was read already by whoever is before us,
 * and nothing would be left of it. Throws `request.invalid`.
 */
export function toBytes(request: Request): AsyncIterable<Buffer> {
  if (request.headers['content-type'] === 'application/octet-stream') {
    receiveWithoutLimit(request)
    return request
  }
  throw new RollcallError('request.invalid', 'Send content with content-type application/octet-stream.', {
    fields: [{ field: 'content-type', message: 'must be application/octet-stream' }],
  })
}
