/** Columns of one line that are shown: ten megabytes on one line must not block the page. */
const MAX_COLUMNS = 16 * 1024
/** Characters of the style sequences in effect at a time. */
const MAX_STYLE_CHARS = 64

/** Matches all that moves the cursor or erases within a line: carriage return, backspace, and CSI sequences. */
const MOVES = /[\r\b]|\u001b\[[0-9;]*[CDGKP@X]/
/** Matches the beginning of such a sequence, or a carriage return, at the end of a text. */
const UNFINISHED = /(?:\r+|\u001b(?:\[[0-9;:?]*)?)$/
const TOKEN = /\u001b\[([0-9;:?]*)([ -/]*[@-~])|\u001b[^[]|[\s\S]/gu
/** Matches characters that are drawn on the one before. */
const COMBINING = /^(?:\p{M}|\u200d)$/u
/** Matches characters that are two columns wide. */
const WIDE =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]$/u

interface Cell {
  /** Empty for the right half of a wide character. */
  text: string
  style: string
}

/**
 * Holds one line of output as a terminal shows it: text after a carriage return overwrites what is there and leaves the rest.
 * However much is written to it, no more is kept than can be shown.
 */
export class TerminalLine {
  /** Bytes beyond the last column that is shown. */
  cutBytes = 0
  readonly #decoder = new TextDecoder()
  /** As long as nothing has moved the cursor, the line is its text. */
  #plain = ''
  #cells: Cell[] | undefined
  #column = 0
  #style = ''
  #unfinished = ''
  #drawn: string | undefined

  write(bytes: Uint8Array): void {
    const text = this.#unfinished + this.#decoder.decode(bytes, { stream: true })
    // Longer ones are no escape of ours: what a hostile host never ends is written as it is.
    const [unfinished = ''] = UNFINISHED.exec(text.slice(-MAX_STYLE_CHARS)) ?? []
    this.#unfinished = unfinished
    this.#drawn = undefined
    const whole = unfinished ? text.slice(0, -unfinished.length) : text
    if (this.#cells === undefined && !MOVES.test(whole)) this.#append(whole)
    else this.#draw(whole)
  }

  get text(): string {
    if (this.#cells === undefined) return this.#plain
    this.#drawn ??= toText(this.#cells)
    return this.#drawn
  }

  #append(text: string): void {
    const room = MAX_COLUMNS - this.#plain.length
    if (text.length <= room) this.#plain += text
    else {
      this.#plain += text.slice(0, room)
      this.cutBytes += toBytes(text.slice(room))
    }
  }

  #draw(text: string): void {
    if (this.#cells === undefined) {
      this.#cells = []
      this.#write(this.#plain)
      if (this.cutBytes > 0) this.#column = MAX_COLUMNS
      this.#plain = ''
    }
    this.#write(text)
  }

  #write(text: string): void {
    for (const [token, parameters, kind] of text.matchAll(TOKEN)) {
      if (kind !== undefined) this.#control(parameters ?? '', kind)
      else if (token === '\r') this.#column = 0
      else if (token === '\b') this.#column = Math.max(0, this.#column - 1)
      else this.#put(token)
    }
  }

  #put(char: string): void {
    const cells = this.#cells as Cell[]
    const before = cells[this.#column - 1]
    if (before && COMBINING.test(char)) {
      if (before.text.length < MAX_STYLE_CHARS) before.text += char
      return
    }
    const width = WIDE.test(char) ? 2 : 1
    if (this.#column + width > MAX_COLUMNS) {
      this.cutBytes += toBytes(char)
      return
    }
    while (cells.length < this.#column) cells.push({ text: ' ', style: '' })
    this.#clearHalves(this.#column, this.#column + width)
    cells[this.#column] = { text: char, style: this.#style }
    if (width === 2) cells[this.#column + 1] = { text: '', style: this.#style }
    this.#column += width
  }

  /** Erases a wide character of which one half is overwritten. */
  #clearHalves(from: number, to: number): void {
    const cells = this.#cells as Cell[]
    if (cells[from]?.text === '' && from > 0) cells[from - 1] = { text: ' ', style: '' }
    if (cells[to]?.text === '') cells[to] = { text: ' ', style: '' }
  }

  #control(parameters: string, kind: string): void {
    const count = Math.min(MAX_COLUMNS, Math.max(1, Number.parseInt(parameters, 10) || 1))
    if (kind === 'm') this.#style = styleAfter(this.#style, parameters)
    else if (kind === 'C') this.#column = Math.min(MAX_COLUMNS, this.#column + count)
    else if (kind === 'D') this.#column = Math.max(0, this.#column - count)
    else if (kind === 'G') this.#column = count - 1
    else if (kind === 'K') this.#erase(parameters)
    else if (kind === 'X') this.#blank(this.#column, this.#column + count)
    else if (kind === 'P') this.#cells?.splice(this.#column, count)
    else if (kind === '@') this.#insert(count)
  }

  #erase(parameters: string): void {
    const cells = this.#cells as Cell[]
    if (parameters === '1' || parameters === '2') this.#blank(0, this.#column + 1)
    if (parameters === '1') return
    this.#clearHalves(this.#column, cells.length)
    cells.length = Math.min(cells.length, this.#column)
    this.cutBytes = 0
  }

  #blank(from: number, to: number): void {
    const cells = this.#cells as Cell[]
    this.#clearHalves(from, to)
    for (let at = from; at < Math.min(to, cells.length); at++) cells[at] = { text: ' ', style: '' }
  }

  #insert(count: number): void {
    const cells = this.#cells as Cell[]
    if (this.#column >= cells.length) return
    const blanks = Array.from({ length: Math.min(count, MAX_COLUMNS - this.#column) }, () => ({
      text: ' ',
      style: '',
    }))
    cells.splice(this.#column, 0, ...blanks)
    cells.length = Math.min(cells.length, MAX_COLUMNS)
  }
}

/** Returns the style sequences in effect after a further one: all since the last reset, as far as they are kept. */
function styleAfter(before: string, parameters: string): string {
  const codes = parameters.split(';')
  const reset = codes.findLastIndex((code) => code === '' || Number(code) === 0)
  // A 0 may be a part of a colour: 38;5;0 is none of 0 to reset.
  const isReset = reset >= 0 && !/(?:^|;)[34]8;/.test(parameters)
  const after = isReset ? codes.slice(reset + 1).join(';') : [before, parameters].filter(Boolean).join(';')
  return after.length <= MAX_STYLE_CHARS
    ? after
    : after.slice(after.indexOf(';', after.length - MAX_STYLE_CHARS) + 1)
}

function toText(cells: readonly Cell[]): string {
  let text = ''
  let style = ''
  for (const cell of cells) {
    if (cell.style !== style) {
      text += `\u001b[0m${cell.style && `\u001b[${cell.style}m`}`
      style = cell.style
    }
    text += cell.text
  }
  return text
}

const toBytes = (text: string) => new TextEncoder().encode(text).length
