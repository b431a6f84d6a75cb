import type { IncomingMessage } from 'node:http'
import { RollcallError } from '@rollcall/contracts'

/**
 * Reads a body of at most `limit` bytes. A longer one is read to its end and thrown away, so that its sender, who is
 * authenticated, gets to read the `request.too_large` that this rejects with; the server's request timeout bounds that.
 */
export function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let chunks: Buffer[] = []
    let size = 0
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > limit) chunks = []
      else chunks.push(chunk)
    })
    request.on('end', () => {
      if (size <= limit) resolve(Buffer.concat(chunks))
      else
        reject(
          new RollcallError('request.too_large', `A request may have ${limit} bytes, this one had ${size}.`),
        )
    })
    request.on('error', reject)
  })
}
