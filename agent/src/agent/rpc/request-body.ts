import type { IncomingMessage } from 'node:http'
import { RollcallError } from '@rollcall/contracts'

/** Maximum requests of full size that are received at once. */
const MAX_CONCURRENT = 8

export interface Body {
  bytes: Buffer
  /** Called once the bytes are no longer read: their memory is used again. */
  release(): void
}

/** Reads request bodies of at most `limit` bytes each and eight times as many in all. */
export class BodyReader {
  readonly #buffers = new LargeBuffers(MAX_CONCURRENT)
  #held = 0

  constructor(private readonly limit: number) {}

  /**
   * Reads a body. Throws `request.too_large` or `agent.overloaded` after reading and discarding the rest, so that the authenticated
   * sender can read the error; the server's request timeout bounds that.
   */
  read(request: IncomingMessage): Promise<Body> {
    return new Promise((resolve, reject) => {
      const storage = this.#allocate(request)
      let size = 0
      let held = 0
      let refusal: 'too long' | 'no room' | null = null
      let isHandedOver = false
      const release = () => {
        this.#held -= held
        held = 0
        if (!isHandedOver) storage.release()
      }
      const refuse = (why: typeof refusal) => {
        refusal ??= why
        release()
      }
      request.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > this.limit) refuse('too long')
        else if (this.#held + chunk.length > MAX_CONCURRENT * this.limit) refuse('no room')
        if (refusal !== null) return
        held += chunk.length
        this.#held += chunk.length
        storage.add(chunk)
      })
      request.on('end', () => {
        if (size > this.limit) reject(tooLong(this.limit, size))
        else if (refusal !== null) reject(noRoom())
        else {
          isHandedOver = true
          resolve({ bytes: storage.all(), release: () => storage.release() })
        }
        release()
      })
      request.on('error', reject)
      request.once('close', release)
    })
  }

  #allocate({ headers }: IncomingMessage): Storage {
    const length = Number(headers['content-length'])
    const buffer = length <= this.limit ? this.#buffers.take(length) : null
    return buffer === null ? new ChunkStorage() : new BufferStorage(buffer, () => this.#buffers.give(buffer))
  }
}

/** Memory that receives a body. `release` may be called repeatedly. */
interface Storage {
  add(chunk: Buffer): void
  all(): Buffer
  release(): void
}

class ChunkStorage implements Storage {
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

class BufferStorage implements Storage {
  #size = 0

  constructor(
    private readonly buffer: Buffer,
    private give: () => void,
  ) {}

  add(chunk: Buffer): void {
    this.#size += chunk.copy(this.buffer, this.#size)
  }

  all(): Buffer {
    return this.buffer.subarray(0, this.#size)
  }

  release(): void {
    this.give()
    this.give = () => undefined
  }
}

const tooLong = (limit: number, size: number) =>
  new RollcallError('request.too_large', `A request must not exceed ${limit} bytes; this one had ${size}.`)

const noRoom = () =>
  new RollcallError(
    'agent.overloaded',
    'Too many large requests are coming in at once; send them one after another.',
  )

/** Size of a buffer: the default limit of a request. */
const BUFFER_BYTES = 2 * 1024 * 1024
const SMALL_BYTES = 64 * 1024

/** Pools buffers for requests with content: a new one for each would cause a garbage collection every few requests. */
export class LargeBuffers {
  readonly #free: Buffer[] = []
  #inUse = 0

  constructor(private readonly max: number) {}

  /** Returns a buffer for a request of that length, or null if it carries no content or too many are in use. */
  take(bytes: number): Buffer | null {
    if (!(bytes > SMALL_BYTES && bytes <= BUFFER_BYTES)) {
      // A heartbeat while no content is received: the pool is not needed.
      if (this.#inUse === 0) this.#free.length = 0
      return null
    }
    if (this.#inUse >= this.max) return null
    this.#inUse++
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES)
  }

  give(buffer: Buffer): void {
    this.#inUse--
    this.#free.push(buffer)
  }
}
