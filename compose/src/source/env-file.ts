import { MAX_ENTRIES, MAX_TEXT_BYTES } from '../limits.ts'
import { interpolate, type Lookup, TemplateError } from './interpolate.ts'

/** A line of an env file that cannot be read. Its value is never in it. */
export interface EnvFileFault {
  line: number
  reason: string
  instead: string
}

export interface EnvFile {
  variables: Map<string, string>
  faults: EnvFileFault[]
}

interface EnvFileOptions {
  /** Variables that are set already; they win where a value refers to one. */
  lookup?: Lookup
  /** Takes every value as it stands, as `format: raw` does. */
  isRaw?: boolean
}

const ASSIGNMENT = /^(?:export[ \t]+)?([^\s=:'"#]+)[ \t]*(?:[=:][ \t]*(.*))?$/s
const NAME = /^[A-Za-z_][A-Za-z0-9_.-]*$/
const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  c: '\\c',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '"': '"',
  '\\': '\\',
  // The variables are put in afterwards.
  $: '$$',
}

/**
 * Reads an env file by Compose's rules: comments, `export`, `=` or `:`, single quotes as they stand, double quotes with escapes and
 * variables, values over several lines in quotes. A name without a value takes it from `lookup`, and is left out if there is none.
 */
export function readEnvFile(text: string, options: EnvFileOptions = {}): EnvFile {
  const faults: EnvFileFault[] = []
  if (text.length > MAX_TEXT_BYTES) {
    faults.push({ line: 1, reason: 'is too long', instead: `give at most ${MAX_TEXT_BYTES / 1024} KiB` })
    return { variables: new Map(), faults }
  }
  return new EnvFileReader(text.replace(/^\uFEFF/, '').split(/\r?\n/), options).read()
}

class EnvFileReader {
  readonly #lines: readonly string[]
  readonly #options: EnvFileOptions
  readonly #variables = new Map<string, string>()
  readonly #faults: EnvFileFault[] = []
  #at = 0

  constructor(lines: readonly string[], options: EnvFileOptions) {
    this.#lines = lines
    this.#options = options
  }

  read(): EnvFile {
    while (this.#at < this.#lines.length && this.#faults.length < 100) {
      const number = this.#at + 1
      const line = (this.#lines[this.#at++] ?? '').trimStart()
      if (line === '' || line.startsWith('#')) continue
      const [, name = '', value] = ASSIGNMENT.exec(line) ?? []
      if (!NAME.test(name)) this.#fault(number, 'has no name of a variable', 'write NAME=value')
      else if (this.#variables.size >= MAX_ENTRIES)
        this.#fault(number, 'is one variable too many', `give at most ${MAX_ENTRIES}`)
      else if (value === undefined) this.#inherit(name)
      else this.#assign(name, value, number)
    }
    return { variables: this.#variables, faults: this.#faults }
  }

  #fault(line: number, reason: string, instead: string): void {
    this.#faults.push({ line, reason, instead })
  }

  #inherit(name: string): void {
    const value = this.#options.lookup?.(name)
    if (value !== undefined) this.#variables.set(name, value)
  }

  #assign(name: string, written: string, line: number): void {
    const quote = written[0]
    if (this.#options.isRaw) {
      this.#variables.set(name, written.trimEnd())
      return
    }
    if (quote !== '"' && quote !== "'") {
      const [value = ''] = written.split(' #', 1)
      this.#expand(name, value.trimEnd(), line)
      return
    }
    const { value, rest } = this.#quoted(quote, written.slice(1))
    if (value === undefined)
      this.#fault(line, `${name} has a quote without its end`, `close it with ${quote}`)
    else if (!/^\s*(#|$)/.test(rest))
      this.#fault(line, `${name} goes on after its closing quote`, 'put the whole value in quotes')
    else if (quote === "'") this.#variables.set(name, value)
    else this.#expand(name, toUnescaped(value), line)
  }

  /** Reads up to the closing quote, over several lines if need be. Returns no value if there is none; nothing is consumed then. */
  #quoted(quote: string, opened: string): { value: string | undefined; rest: string } {
    const pieces: string[] = []
    let line = opened
    for (let next = this.#at; ; next++) {
      const end = findQuote(line, quote)
      if (end !== undefined) {
        pieces.push(line.slice(0, end))
        this.#at = next
        return { value: pieces.join('\n').replaceAll(`\\${quote}`, quote), rest: line.slice(end + 1) }
      }
      pieces.push(line)
      if (next >= this.#lines.length) return { value: undefined, rest: '' }
      line = this.#lines[next] ?? ''
    }
  }

  #expand(name: string, value: string, line: number): void {
    const lookup: Lookup = (asked) => this.#options.lookup?.(asked) ?? this.#variables.get(asked)
    try {
      this.#variables.set(name, interpolate(value, lookup))
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error
      this.#fault(line, `${name} ${error.message}`, error.instead)
    }
  }
}

/** Returns the offset of the first quote without a backslash before it. */
function findQuote(line: string, quote: string): number | undefined {
  for (let at = 0; at < line.length; at++)
    if (line[at] === '\\') at++
    else if (line[at] === quote) return at
  return undefined
}

const toUnescaped = (text: string): string =>
  text.replace(/\\([abcfnrtv$"\\]|0[0-7]{0,3})/g, (_, code: string) =>
    code.startsWith('0') ? String.fromCharCode(Number.parseInt(code, 8) & 0xff) : (ESCAPES[code] ?? code),
  )
