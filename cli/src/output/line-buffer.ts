const NEWLINE = 0x0a

/** Longer lines are broken, so that a program that never ends its line cannot fill our memory. */
export const MAX_LINE_BYTES = 64 * 1024

/** Cuts a stream of bytes into whole lines. Works on bytes, so a character that straddles two pieces stays whole. */
export class LineBuffer {
  private parts: Buffer[] = []
  private bytes = 0

  /** The lines that `data` completed, without their newlines. */
  push(data: Buffer): Buffer[] {
    const lines: Buffer[] = []
    let start = 0
    for (let end = data.indexOf(NEWLINE); end !== -1; end = data.indexOf(NEWLINE, start)) {
      this.keep(data.subarray(start, end), lines)
      lines.push(this.take())
      start = end + 1
    }
    this.keep(data.subarray(start), lines)
    return lines
  }

  /** The last line, when it was not ended; undefined when there is none. */
  flush(): Buffer | undefined {
    return this.bytes > 0 ? this.take() : undefined
  }

  private keep(data: Buffer, lines: Buffer[]): void {
    if (data.length > 0) this.parts.push(data)
    this.bytes += data.length
    while (this.bytes > MAX_LINE_BYTES) {
      const long = this.take()
      const cut = characterStart(long, MAX_LINE_BYTES)
      lines.push(long.subarray(0, cut))
      this.parts = [long.subarray(cut)]
      this.bytes = long.length - cut
    }
  }

  private take(): Buffer {
    const line = this.parts.length === 1 && this.parts[0] ? this.parts[0] : Buffer.concat(this.parts)
    this.parts = []
    this.bytes = 0
    return line
  }
}

/** The start of the UTF-8 character at `place`; `place` itself where the bytes are not UTF-8. */
function characterStart(bytes: Buffer, place: number): number {
  for (let start = place; start > place - 4; start--) if (((bytes[start] ?? 0) & 0xc0) !== 0x80) return start
  return place
}
