/** A line of output, without its end. */
export interface Line {
  /** Of its first byte among all bytes of the output. */
  offset: number
  stream: 'stdout' | 'stderr'
  text: string
  /** Bytes of it that are not shown because it is very long. */
  cutBytes: number
}

const NEWLINE = 10
/** Of one line, in bytes: ten megabytes on one line are no reason to stand still. */
const LONGEST = 16 * 1024
/** Lines kept at a time; further ones push out those at the other end. */
export const MOST_LINES = 50_000

const decoder = new TextDecoder()

/** Bytes as lines, as they come. The last line may still grow. A change of stream begins a new line. */
export class OutputLines {
  lines: Line[] = []
  /** Where the next byte belongs. */
  end: number
  #open: { line: Line; bytes: Uint8Array } | undefined

  constructor(from = 0) {
    this.end = from
  }

  get start(): number {
    return this.lines[0]?.offset ?? this.end
  }

  append(stream: Line['stream'], data: Uint8Array): void {
    let from = 0
    while (from < data.length) {
      const newline = data.indexOf(NEWLINE, from)
      const to = newline < 0 ? data.length : newline
      this.#extend(stream, data.subarray(from, to))
      this.end += to - from
      if (newline >= 0) {
        this.#open = undefined
        this.end++
      }
      from = to + 1
    }
    if (this.lines.length > MOST_LINES) this.lines.splice(0, this.lines.length - MOST_LINES)
  }

  #extend(stream: Line['stream'], bytes: Uint8Array): void {
    if (this.#open?.line.stream !== stream) {
      const line = { offset: this.end, stream, text: '', cutBytes: 0 }
      this.#open = { line, bytes: new Uint8Array() }
      this.lines.push(line)
    }
    const open = this.#open as { line: Line; bytes: Uint8Array }
    const room = LONGEST - open.bytes.length
    const joined = new Uint8Array(open.bytes.length + Math.min(room, bytes.length))
    joined.set(open.bytes)
    joined.set(bytes.subarray(0, Math.max(0, room)), open.bytes.length)
    open.bytes = joined
    open.line.cutBytes += Math.max(0, bytes.length - room)
    // A carriage return at the end belongs to the line's end; those within go back to its beginning, as a terminal does.
    open.line.text = decoder
      .decode(joined)
      .replace(/\r+$/, '')
      .replace(/^[\s\S]*\r/, '')
  }
}
