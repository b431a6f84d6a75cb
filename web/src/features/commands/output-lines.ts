import { TerminalLine } from './terminal-line.ts'

export type Stream = 'stdout' | 'stderr'

/** A line of output, without its end. */
export interface Line {
  /** Offset of its first byte among all bytes of the output. */
  offset: number
  stream: Stream
  text: string
  /** Bytes of it that are not shown because it is very long. */
  cutBytes: number
}

const NEWLINE = 10

/**
 * Splits bytes into lines as they come. The last line may still grow. A change of stream begins a new line, unless one stream alone is
 * read: there what the other wrote in between breaks no line.
 */
export class OutputLines {
  lines: Line[] = []
  /** The byte after the last one that was taken. */
  end: number
  #open: { line: Line; screen: TerminalLine } | undefined

  constructor(from = 0) {
    this.end = from
  }

  /** Takes bytes that stand at `offset`; without it, at the end of those before. */
  append(stream: Stream, data: Uint8Array, offset = this.end): void {
    this.end = offset
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
  }

  /** Ends the last line, so that the next bytes start a new one. */
  close(): void {
    this.#open = undefined
  }

  #extend(stream: Stream, bytes: Uint8Array): void {
    if (this.#open?.line.stream !== stream) {
      const line = { offset: this.end, stream, text: '', cutBytes: 0 }
      this.#open = { line, screen: new TerminalLine() }
      this.lines.push(line)
    }
    const { line, screen } = this.#open as { line: Line; screen: TerminalLine }
    screen.write(bytes)
    line.text = screen.text
    line.cutBytes = screen.cutBytes
  }
}
