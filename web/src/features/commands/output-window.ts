import { type Line, OutputLines, type Stream } from './output-lines.ts'

/** Lines that are held at a time; further ones push out those at the other end. */
export const MAX_LINES = 50_000
/** Bytes that are read to find where a line begins. */
const MAX_LINE_BYTES = 256 * 1024

export interface OutputPage {
  chunks: { stream: Stream; offset: number; data: Uint8Array }[]
  /** Where what was looked at begins and ends. */
  firstOffset: number
  nextOffset: number
}

/** Reads stored output of the streams that are shown, a page at a time. */
export interface OutputSource {
  after(offset: number): Promise<OutputPage>
  before(offset: number): Promise<OutputPage>
}

function toLines(start: number, chunks: OutputPage['chunks']): OutputLines {
  const lines = new OutputLines(start)
  for (const { stream, data, offset } of chunks) lines.append(stream, data, offset)
  return lines
}

/**
 * The part of a command's output that is on the screen, which can be moved both ways over all of it. Whatever the output's size,
 * it holds a bounded part.
 */
export class OutputWindow {
  #lines = new OutputLines()
  /** Where the first line begins. */
  start = 0
  /** Lines that were put before the first one, less those taken away there: by so many what is seen has to be moved. */
  shift = 0
  /** Nothing of what is shown lies before. */
  isAtStart = true
  /** All that was stored when it was last asked for is here. */
  isAtEnd = false
  /** It begins within a line, of which the rest is read when somebody goes there. */
  #isCut = false
  #busy: Promise<void> = Promise.resolve()

  constructor(private readonly source: OutputSource) {}

  get lines(): readonly Line[] {
    return this.#lines.lines
  }
  get end(): number {
    return this.#lines.end
  }

  /** Shows the last page before `offset`. */
  toEnd(offset: number): Promise<void> {
    return this.#alone(async () => {
      const page = await this.source.before(offset)
      this.#restart(page.firstOffset)
      this.#take(page)
      this.#lines.end = offset
      this.isAtEnd = true
    })
  }

  /** Shows what stands around `offset`. */
  goTo(offset: number): Promise<void> {
    return this.#alone(async () => {
      const before = offset === 0 ? undefined : await this.source.before(offset)
      this.#restart(before?.firstOffset ?? 0)
      if (before) this.#take(before)
      this.#lines.end = offset
      await this.#later()
    })
  }

  later(): Promise<void> {
    return this.#alone(() => this.#later())
  }

  earlier(): Promise<void> {
    return this.#alone(async () => {
      if (this.isAtStart) return
      const { start } = this
      const { lines, firstOffset, isFirst } = await this.#linesBefore(start)
      // What comes live has begun the window anew meanwhile.
      if (this.start !== start) return
      const added = isFirst || lines.length < 2 ? lines : lines.slice(1)
      this.isAtStart = isFirst
      this.#lines.lines = [...added, ...this.#lines.lines]
      this.start = isFirst ? 0 : (added[0]?.offset ?? firstOffset)
      this.shift += added.length
      this.#dropLast()
    })
  }

  /** Reads back until a line begins: a page may end soon before `offset`, within its last line. A line that is too long is cut. */
  async #linesBefore(offset: number) {
    const chunks: OutputPage['chunks'] = []
    for (let at = offset; ; ) {
      const page = await this.source.before(at)
      chunks.unshift(...page.chunks)
      const { lines } = toLines(page.firstOffset, chunks)
      const isFirst = page.firstOffset === 0 || page.chunks.length === 0
      at = page.firstOffset
      if (isFirst || lines.length > 1 || offset - at >= MAX_LINE_BYTES)
        return { lines, firstOffset: at, isFirst }
    }
  }

  /** Takes what comes live. What was passed over before it begins the window anew. */
  append(stream: Stream, data: Uint8Array, offset: number, isWhole: boolean): void {
    if (isWhole && offset > this.end) this.#restart(offset)
    this.#lines.append(stream, data, offset)
    this.isAtEnd = true
    this.#trim()
  }

  /** Says that all up to `offset` was seen, though nothing of it is shown. */
  passOver(offset: number): void {
    if (offset > this.end) this.#lines.end = offset
  }

  async #later(): Promise<void> {
    const page = await this.source.after(this.end)
    this.isAtEnd = page.nextOffset <= this.end || page.chunks.length === 0
    this.#take(page)
    this.passOver(page.nextOffset)
  }

  #restart(offset: number): void {
    this.#lines = new OutputLines(offset)
    this.start = offset
    this.shift = 0
    this.isAtStart = offset === 0
    this.isAtEnd = false
    this.#isCut = offset > 0
  }

  #take({ chunks }: OutputPage): void {
    for (const { stream, data, offset } of chunks) this.#lines.append(stream, data, offset)
    this.#trim()
  }

  #trim(): void {
    const { lines } = this.#lines
    // The first line may have begun before: it is whole when somebody goes back to it.
    const cut = this.#isCut && lines.length > 1 ? 1 : 0
    const drop = Math.max(cut, lines.length - MAX_LINES)
    if (drop <= 0) return
    this.#isCut = false
    lines.splice(0, drop)
    this.start = lines[0]?.offset ?? this.end
    this.isAtStart = false
    this.shift -= drop
  }

  #dropLast(): void {
    const { lines } = this.#lines
    if (lines.length <= MAX_LINES) return
    const [first] = lines.splice(MAX_LINES)
    if (!first) return
    this.#lines.end = first.offset
    this.#lines.close()
    this.isAtEnd = false
  }

  /** One after the other: each goes on from where the one before has come to. */
  #alone(work: () => Promise<void>): Promise<void> {
    const done = this.#busy.then(work)
    this.#busy = done.catch(() => undefined)
    return done
  }
}
