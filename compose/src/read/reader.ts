import { MAX_FAULTS } from '../limits.ts'
import type { Fault, ReadKey } from '../source/fault.ts'
import { interpolate, type Lookup, TemplateError } from '../source/interpolate.ts'
import type { Place, Scalar } from '../source/tree.ts'

/** Returns the text of a file that the Compose file names; undefined if it cannot be read. */
export type ReadFile = (path: string) => string | undefined

/** Collects what is found while a file is read. */
export interface Findings {
  faults: Fault[]
  keys: ReadKey[]
}

export interface Sources {
  lookup: Lookup
  readFile: ReadFile
}

/** Reports what is wrong at a key, and puts variables into texts. One for each place in the file. */
export class Reader {
  readonly path: string
  readonly sources: Sources
  readonly #findings: Findings

  constructor(findings: Findings, sources: Sources, path = '') {
    this.#findings = findings
    this.sources = sources
    this.path = path
  }

  /** Returns a reader for a key of this mapping, or for an item of this list. A key with a dot in it stands in quotes. */
  at(key: string | number): Reader {
    const text = String(key).slice(0, 100)
    const name = text.includes('.') ? `"${text}"` : text
    return new Reader(this.#findings, this.sources, this.path === '' ? name : `${this.path}.${name}`)
  }

  /** Records a fault. Returns undefined, as a value that could not be read. */
  fault(place: Place, reason: string, instead: string, code: Fault['code'] = 'service.invalid'): undefined {
    const { faults } = this.#findings
    if (faults.length >= MAX_FAULTS) return undefined
    const { line, column } = place
    // What is merged into several services is wrong once.
    const isKnown = faults.some(
      (one) => one.line === line && one.column === column && one.reason === reason && one.code === code,
    )
    if (!isKnown) faults.push({ code, line, column, key: this.path, reason, instead })
    return undefined
  }

  take(place: Place, standing: ReadKey['standing'], says: string): void {
    this.#findings.keys.push({ line: place.line, column: place.column, key: this.path, standing, says })
  }

  /** Puts variables into a text. Returns undefined after a fault. */
  interpolate({ text, type, place }: Scalar): string | undefined {
    if (type !== 'text') return text
    try {
      return interpolate(text, this.sources.lookup)
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error
      return this.fault(place, error.message, error.instead)
    }
  }
}
