import { MAX_ENTRIES } from '../limits.ts'
import { isNull, type Node } from '../source/tree.ts'
import type { Reader } from './reader.ts'
import { readText } from './scalars.ts'
import type { Named, Shape } from './shape.ts'
import { wrongForm } from './shape.ts'

function isWithin(node: Node, reader: Reader, count: number, max = MAX_ENTRIES): boolean {
  if (count <= max) return true
  reader.fault(node.place, `has ${count} entries`, `write at most ${max}`, 'request.too_large')
  return false
}

/** A list; items that cannot be read are left out after their fault. */
export function list<T>(item: Shape<T>, form = `a list, each ${item.form}`, max = MAX_ENTRIES): Shape<T[]> {
  return {
    form,
    item,
    read(node, reader) {
      if (node.kind !== 'list') return wrongForm(node, reader, form)
      if (!isWithin(node, reader, node.items.length, max)) return undefined
      return node.items.flatMap((one, index) => {
        const value = item.read(one, reader.at(index))
        return value === undefined ? [] : [value]
      })
    },
  }
}

/** One value, or a list of them. */
export function oneOrMany<T>(item: Shape<T>): Shape<T[]> {
  const many = list(item)
  return {
    form: `${item.form}, or a list of them`,
    item,
    read(node, reader) {
      if (node.kind === 'list') return many.read(node, reader)
      const value = item.read(node, reader)
      return value === undefined ? undefined : [value]
    },
  }
}

interface NamesOptions {
  /** The form of a name; `form` says the same for people. */
  pattern: RegExp
  form: string
  /** The kind of thing that is named: "a volume". */
  of: string
  max?: number
  /** Names that begin with `x-` are the file's own, as they are where services or volumes are defined. */
  hasExtensions?: boolean
}

/** A mapping whose keys are names that the file chooses. */
export function named<T>(item: Shape<T>, options: NamesOptions): Shape<Named<T>[]> {
  const form = `a mapping of names to ${item.form}`
  return {
    form,
    item,
    read(node, reader) {
      if (isNull(node)) return []
      if (node.kind !== 'map') return wrongForm(node, reader, form)
      if (!isWithin(node, reader, node.entries.length, options.max)) return undefined
      return node.entries.flatMap(({ key: name, place, value: written }) => {
        const at = reader.at(name)
        if (options.hasExtensions && name.startsWith('x-')) {
          at.take(place, 'otherwise', 'is yours and not read; its anchors are')
          return []
        }
        if (!isName(name, options, place, at)) return []
        const value = item.read(written, at)
        return value === undefined ? [] : [{ name, place, value }]
      })
    },
  }
}

function isName(
  name: string,
  { pattern, form, of }: NamesOptions,
  place: Node['place'],
  reader: Reader,
): boolean {
  if (pattern.test(name)) return true
  reader.fault(place, `is not a name of ${of}`, `write ${form}`)
  return false
}

interface PairOptions extends NamesOptions {
  /** Between name and value in a list; the first one that is there counts. */
  separators?: readonly string[]
}

/**
 * Names with values, as a mapping (`NAME: value`) or as a list (`- NAME=value`). A name without a value has null. Values are whole texts:
 * the caller says what may be in them.
 */
export function pairs(options: PairOptions): Shape<Named<string | null>[]> {
  const form = 'a mapping of names to texts, or a list of NAME=value'
  const separators = options.separators ?? ['=']
  const asValue: Shape<string | null> = {
    form: 'a text, or nothing',
    read: (node, reader) => (isNull(node) ? null : readText(node, reader)),
  }
  const fromMapping = named(asValue, options)
  return {
    form,
    read(node, reader) {
      if (node.kind === 'map' || isNull(node)) return fromMapping.read(node, reader)
      if (node.kind !== 'list') return wrongForm(node, reader, form)
      if (!isWithin(node, reader, node.items.length, options.max)) return undefined
      const names = new Set<string>()
      return node.items.flatMap((item, index) => {
        const at = reader.at(index)
        const text = readText(item, at, 'NAME=value')
        if (text === undefined) return []
        const [name, value] = splitPair(text, separators)
        if (!isName(name, options, item.place, at)) return []
        if (names.size === names.add(name).size)
          at.fault(item.place, `gives ${name} a second time`, 'keep one of the two')
        return [{ name, place: item.place, value }]
      })
    },
  }
}

function splitPair(text: string, separators: readonly string[]): [string, string | null] {
  const found = separators.find((separator) => text.includes(separator))
  if (found === undefined) return [text, null]
  const at = text.indexOf(found)
  return [text.slice(0, at), text.slice(at + found.length)]
}
