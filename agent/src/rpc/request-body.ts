import type { IncomingMessage } from 'node:http'
import { RollcallError } from '@rollcall/contracts'

/** Requests of full size for which there is room at once. */
const MOST_AT_ONCE = 8

/** Reads the bodies of requests, each of at most `limit` bytes and all that are coming in together of eight times as many. */
export class BodyReader {
  readonly #limit: number
  #held = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /**
   * A body that is too long, or for which there is no room, is read to its end and thrown away, so that its sender, who is
   * authenticated, gets to read why: rejects with `request.too_large` or `agent.overloaded`. The server's request timeout
   * bounds that.
   */
  read(request: IncomingMessage): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      let chunks: Buffer[] = []
      let size = 0
      let held = 0
      let refusal: 'too long' | 'no room' | null = null
      const release = () => {
        this.#held -= held
        held = 0
        chunks = []
      }
      const refuse = (why: typeof refusal) => {
        refusal ??= why
        release()
      }
      request.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > this.#limit) refuse('too long')
        else if (this.#held + chunk.length > MOST_AT_ONCE * this.#limit) refuse('no room')
        if (refusal !== null) return
        held += chunk.length
        this.#held += chunk.length
        chunks.push(chunk)
      })
      request.on('end', () => {
        if (size > this.#limit) reject(tooLong(this.#limit, size))
        else if (refusal !== null) reject(noRoom())
        else resolve(Buffer.concat(chunks))
        release()
      })
      request.on('error', reject)
      request.once('close', release)
    })
  }
}

const tooLong = (limit: number, size: number) =>
  new RollcallError('request.too_large', `A request may have ${limit} bytes, this one had ${size}.`)

const noRoom = () =>
  new RollcallError(
    'agent.overloaded',
    'Too many large requests are coming in at once; send them one after another.',
  )
