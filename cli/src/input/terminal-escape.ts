const TILDE = 0x7e
const DOT = 0x2e
const LINE_ENDS = new Set([0x0a, 0x0d])

/** Finds `~.` at the start of a line in what is typed, as ssh does. `~~` there sends one `~`. */
export class TerminalEscape {
  private isAtLineStart = true
  private hasTilde = false

  /** Returns what goes to the program, and whether the person wants to leave. */
  feed(typed: Buffer): { data: Buffer; isLeaving: boolean } {
    const data: number[] = []
    for (const byte of typed) {
      if (this.hasTilde) {
        this.hasTilde = false
        if (byte === DOT) return { data: Buffer.from(data), isLeaving: true }
        data.push(TILDE)
        if (byte === TILDE) {
          this.isAtLineStart = false
          continue
        }
      } else if (byte === TILDE && this.isAtLineStart) {
        this.hasTilde = true
        continue
      }
      data.push(byte)
      this.isAtLineStart = LINE_ENDS.has(byte)
    }
    return { data: Buffer.from(data), isLeaving: false }
  }
}
