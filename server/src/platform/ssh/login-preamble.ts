import { randomBytes } from 'node:crypto'

/** A login that says more never comes to an end. */
export const MAX_PREAMBLE_BYTES = 16 * 1024 ** 2

/** Bytes of login files' output that are kept for an error message. */
const MAX_KEPT_BYTES = 4096

/** The output of a login on one stream before our program runs: of the login files, or of a program in their place. */
export class LoginPreamble {
  readonly #mark: Buffer
  #kept = Buffer.alloc(0)
  #tail = Buffer.alloc(0)
  #isOver = false
  #saidBytes = 0

  constructor(mark: string) {
    this.#mark = Buffer.from(`${mark}\n`)
  }

  get isOver(): boolean {
    return this.#isOver
  }

  get isTooLong(): boolean {
    return this.#saidBytes > MAX_PREAMBLE_BYTES
  }

  /** The beginning of what was said, for a person. */
  get words(): string {
    return this.#kept.toString('utf8').replace(MARKS, '').trim()
  }

  /** Takes a piece of the stream. Returns what of it is the program's own. */
  take(data: Buffer): Buffer {
    if (this.#isOver) return data
    this.#saidBytes += data.length
    const seen = Buffer.concat([this.#tail, data])
    const at = seen.indexOf(this.#mark)
    const preamble = at < 0 ? data : seen.subarray(this.#tail.length, Math.max(at, this.#tail.length))
    this.#kept = Buffer.concat([this.#kept, preamble.subarray(0, MAX_KEPT_BYTES - this.#kept.length)])
    if (at < 0) {
      this.#tail = Buffer.from(seen.subarray(Math.max(0, seen.length - this.#mark.length + 1)))
      return Buffer.alloc(0)
    }
    this.#isOver = true
    this.#kept = this.#kept.subarray(0, Math.max(0, this.#kept.length - Math.max(0, this.#tail.length - at)))
    this.#tail = Buffer.alloc(0)
    return seen.subarray(at + this.#mark.length)
  }
}

/** Lines that no login file prints, one for each output. */
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
