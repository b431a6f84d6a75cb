import { randomBytes } from 'node:crypto'

/** The output after which a login is considered endless. */
export const MAX_PREAMBLE_BYTES = 16 * 1024 ** 2

/** Bytes of login files' output that are kept for an error message. */
const MAX_RECORDED_BYTES = 4096

/** The output of a login on one stream before our program runs: of the login files, or of a program in their place. */
export class LoginPreamble {
  readonly #mark: Buffer
  #recorded = Buffer.alloc(0)
  #tail = Buffer.alloc(0)
  #isOver = false
  #totalBytes = 0

  constructor(mark: string) {
    this.#mark = Buffer.from(`${mark}\n`)
  }

  get isOver(): boolean {
    return this.#isOver
  }

  get isTooLong(): boolean {
    return this.#totalBytes > MAX_PREAMBLE_BYTES
  }

  /** The start of the output, for users. */
  get text(): string {
    return this.#recorded.toString('utf8').replace(MARKS, '').trim()
  }

  /** Consumes a piece of the stream and returns the program's own part of it. */
  consume(data: Buffer): Buffer {
    if (this.#isOver) return data
    this.#totalBytes += data.length
    const seen = Buffer.concat([this.#tail, data])
    const at = seen.indexOf(this.#mark)
    const preamble = at < 0 ? data : seen.subarray(this.#tail.length, Math.max(at, this.#tail.length))
    this.#recorded = Buffer.concat([
      this.#recorded,
      preamble.subarray(0, MAX_RECORDED_BYTES - this.#recorded.length),
    ])
    if (at < 0) {
      this.#tail = Buffer.from(seen.subarray(Math.max(0, seen.length - this.#mark.length + 1)))
      return Buffer.alloc(0)
    }
    this.#isOver = true
    this.#recorded = this.#recorded.subarray(
      0,
      Math.max(0, this.#recorded.length - Math.max(0, this.#tail.length - at)),
    )
    this.#tail = Buffer.alloc(0)
    return seen.subarray(at + this.#mark.length)
  }
}

/** Lines that no login file prints, one for each stream. */
export interface LoginMarks {
  stdout: string
  stderr: string
}

export function newMarks(): LoginMarks {
  const secret = randomBytes(12).toString('hex')
  return { stdout: `rollcall-${secret}-begin`, stderr: `rollcall-${secret}-errors` }
}

/** Marks of either output: a login file may have joined the two. */
const MARKS = /rollcall-[0-9a-f]{24}-(begin|errors)\n?/g
