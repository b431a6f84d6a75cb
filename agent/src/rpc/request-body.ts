import type { IncomingMessage } from 'node:http'
import { RollcallError } from '@rollcall/contracts'
import { LargeBuffers } from './large-buffers.ts'

/** Requests of full size for which there is room at once. */
const MAX_CONCURRENT = 8

export interface Body {
  bytes: Buffer
  /** To be called once, when nobody reads the bytes any more: the next body may come into their place. */
  release(): void
}

/** Reads the bodies of requests, each of at most `limit` bytes and all that are coming in together of eight times as many. */
export class BodyReader {
  readonly #limit: number
  readonly #buffers = new LargeBuffers(MAX_CONCURRENT)
  #held = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /**
   * A body that is too long, or for which there is no room, is read to its end and thrown away, so that its sender, who is
   * authenticated, gets to read why: rejects with `request.too_large` or `agent.overloaded`. The server's request timeout
   * bounds that.
   */
  read(request: IncomingMessage): Promise<Body> {
    return new Promise((resolve, reject) => {
      const place = this.#placeFor(request)
      let size = 0
      let held = 0
      let refusal: 'too long' | 'no room' | null = null
      let isHandedOver = false
      const release = () => {
        this.#held -= held
        held = 0
        if (!isHandedOver) place.release()
      }
      const refuse = (why: typeof refusal) => {
        refusal ??= why
        release()
      }
      request.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > this.#limit) refuse('too long')
        else if (this.#held + chunk.length > MAX_CONCURRENT * this.#limit) refuse('no room')
        if (refusal !== null) return
        held += chunk.length
        this.#held += chunk.length
        place.add(chunk)
      })
      request.on('end', () => {
        if (size > this.#limit) reject(tooLong(this.#limit, size))
        else if (refusal !== null) reject(noRoom())
        else {
          isHandedOver = true
          resolve({ bytes: place.all(), release: () => place.release() })
        }
        release()
      })
      request.on('error', reject)
      request.once('close', release)
    })
  }

  #placeFor({ headers }: IncomingMessage): Place {
    const length = Number(headers['content-length'])
    const buffer = length <= this.#limit ? this.#buffers.take(length) : null
    return buffer === null ? new Pieces() : new Filled(buffer, () => this.#buffers.give(buffer))
  }
}

/** Where a body comes into. `release` may be called again. */
interface Place {
  add(chunk: Buffer): void
  all(): Buffer
  release(): void
}

class Pieces implements Place {
  #chunks: Buffer[] = []

  add(chunk: Buffer): void {
    this.#chunks.push(chunk)
  }

  all(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  release(): void {
    this.#chunks = []
  }
}

class Filled implements Place {
  readonly #buffer: Buffer
  #give: () => void
  #size = 0

  constructor(buffer: Buffer, give: () => void) {
    this.#buffer = buffer
    this.#give = give
  }

  add(chunk: Buffer): void {
    this.#size += chunk.copy(this.#buffer, this.#size)
  }

  all(): Buffer {
    return this.#buffer.subarray(0, this.#size)
  }

  release(): void {
    this.#give()
    this.#give = () => undefined
  }
}

const tooLong = (limit: number, size: number) =>
  new RollcallError('request.too_large', `A request may have ${limit} bytes, this one had ${size}.`)

const noRoom = () =>
  new RollcallError(
    'agent.overloaded',
    'Too many large requests are coming in at once; send them one after another.',
  )
