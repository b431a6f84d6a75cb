/** A line that one container of an instance wrote. */
export interface LogLine {
  /** Its place among all lines that came, for the page. */
  key: number
  slot: number
  /** Microseconds since 1970, by which lines are ordered. */
  atUs: number
  container: string
  isErr: boolean
  /** The host says it of the container. */
  isHost: boolean
  text: string
}

/** Lines that are kept; older ones are counted. */
export const MAX_LOG_LINES = 5000
/** A line without an end is shown in pieces of this length. */
const MAX_LINE_LENGTH = 16 * 1024

/** `<time> <container> <out | err | host> <text>`, as hosts write it: what the container wrote, or what its host says of it. */
const LINE =
  /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d) (\S{1,63}) (out|err|host) ?(.*)$/s

/** Reads a line of an instance's log. A line of another form has the time of the one before it, `beforeUs`. */
export function toLogLine(line: string, slot: number, beforeUs: number): Omit<LogLine, 'key'> {
  const match = LINE.exec(line)
  const seconds = match ? Date.parse(`${match[1]}${match[3]}`) : Number.NaN
  if (!match || Number.isNaN(seconds))
    return { slot, atUs: beforeUs, container: '', isErr: false, isHost: false, text: line }
  const micros = Number((match[2] ?? '').slice(0, 6).padEnd(6, '0'))
  return {
    slot,
    atUs: seconds * 1000 + micros,
    container: match[4] ?? '',
    isErr: match[5] === 'err',
    isHost: match[5] === 'host',
    text: match[6] ?? '',
  }
}

/** Splits the bytes of one instance's log into lines as they come. */
class LineSplitter {
  readonly #decoder = new TextDecoder()
  #open = ''
  /** The time of the last line. */
  atUs = 0

  split(data: Uint8Array): string[] {
    const lines = (this.#open + this.#decoder.decode(data, { stream: true })).split('\n')
    this.#open = lines.pop() ?? ''
    while (this.#open.length > MAX_LINE_LENGTH) {
      lines.push(this.#open.slice(0, MAX_LINE_LENGTH))
      this.#open = this.#open.slice(MAX_LINE_LENGTH)
    }
    return lines
  }
}

/** Merges the logs of several instances by the time of their lines, in whichever order they come. */
export class MergedLog {
  /** In order of time; a line that came later stands after those of the same moment. */
  lines: LogLine[] = []
  /** How many lines were dropped because newer ones came. */
  dropped = 0
  #count = 0
  readonly #splitters = new Map<number, LineSplitter>()

  append(slot: number, data: Uint8Array): void {
    const splitter = this.#splitters.get(slot) ?? new LineSplitter()
    this.#splitters.set(slot, splitter)
    for (const text of splitter.split(data)) {
      const line = toLogLine(text.replace(/\r$/, ''), slot, splitter.atUs)
      splitter.atUs = line.atUs
      this.#insert({ ...line, key: this.#count++ })
    }
    const surplus = this.lines.length - MAX_LOG_LINES
    if (surplus <= 0) return
    this.lines = this.lines.slice(surplus)
    this.dropped += surplus
  }

  #insert(line: LogLine): void {
    let low = 0
    let high = this.lines.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.lines[middle] as LogLine).atUs <= line.atUs) low = middle + 1
      else high = middle
    }
    this.lines.splice(low, 0, line)
  }
}

export interface LogFilter {
  /** Slots that are left out. */
  hidden: ReadonlySet<number>
  text: string
  isErrOnly: boolean
}

/** Returns the lines that a filter lets through, ignoring case. */
export function filterLines(lines: readonly LogLine[], { hidden, text, isErrOnly }: LogFilter): LogLine[] {
  const wanted = text.trim().toLowerCase()
  return lines.filter(
    (line) =>
      !hidden.has(line.slot) &&
      (!isErrOnly || line.isErr) &&
      (wanted === '' || line.text.toLowerCase().includes(wanted) || line.container === wanted),
  )
}
