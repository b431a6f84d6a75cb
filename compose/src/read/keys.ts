import { type Entry, isNull, type Node, type Place } from '../source/tree.ts'
import type { Reader } from './reader.ts'
import {
  type Key,
  type Keys,
  type OtherwiseKey,
  type RefusedKey,
  type Shape,
  type TakenKey,
  wrongForm,
} from './shape.ts'

/** The values of a mapping with such keys: those that are there. */
export type Values<K extends Keys> = {
  [Name in keyof K]?: K[Name] extends { shape: Shape<infer T> } ? T : never
} & {
  /** Where each key is written. */
  places: Partial<Record<keyof K, Place>>
}

export const taken = <T>(shape: Shape<T>, says = ''): TakenKey<T> => ({ standing: 'taken', shape, says })
export const otherwise = <T>(shape: Shape<T>, says: string): OtherwiseKey<T> => ({
  standing: 'otherwise',
  shape,
  says,
})
export const refused = (instead: string, isHarmless?: (node: Node) => boolean): RefusedKey => ({
  standing: 'refused',
  instead,
  isHarmless,
})

/** Tells whether a value is false, 0 or nothing at all. */
export const isOff = (node: Node): boolean =>
  node.kind === 'scalar' ? /^(false|no|off|0|)$/.test(node.text) : isEmpty(node)
/** Tells whether a list or mapping has nothing in it. */
export const isEmpty = (node: Node): boolean => {
  if (node.kind === 'map') return node.entries.length === 0
  return node.kind === 'list' ? node.items.length === 0 : node.type === 'null'
}

interface MappingOptions {
  /** The name of the mapping in faults: "a service". */
  of: string
  /** Keys are recorded as read: those of the file and of its services, which `service check` lists. */
  isListed?: boolean
  /** Keys that must be there. */
  required?: readonly string[]
  /** A mapping without a value counts as an empty one. */
  isOptional?: boolean
}

/** A mapping with these keys and no others. Keys that begin with `x-` are the file's own and said to be unread. */
export function mapping<const K extends Keys>(keys: K, options: MappingOptions): Shape<Values<K>> {
  const form = `a mapping of ${options.of}`
  return {
    form,
    keys,
    read(node, reader) {
      const isNothing = options.isOptional && isNull(node)
      if (node.kind !== 'map' && !isNothing) return wrongForm(node, reader, form)
      const entries = node.kind === 'map' ? node.entries : []
      const values: Record<string, unknown> = {}
      const places: Record<string, Place> = {}
      for (const entry of entries) {
        const value = readEntry(keys, entry, reader, options)
        if (Object.hasOwn(keys, entry.key)) places[entry.key] = entry.place
        if (value !== undefined) values[entry.key] = value
      }
      for (const key of options.required ?? [])
        if (!entries.some((entry) => entry.key === key))
          reader.fault(node.place, `lacks ${key}`, `add ${key}: ${keys[key] ? toForm(keys[key]) : ''}`)
      return { ...values, places } as Values<K>
    },
  }
}

const toForm = (key: Key<unknown>) => (key.standing === 'refused' ? '' : key.shape.form)

/** Reads one key of a mapping. Returns its value; undefined for one that is refused or not there. */
function readEntry(keys: Keys, entry: Entry, reader: Reader, { of, isListed }: MappingOptions): unknown {
  const { key: name, place, value } = entry
  const at = reader.at(name)
  const key = Object.hasOwn(keys, name) ? keys[name] : undefined
  if (!key) {
    if (name.startsWith('x-') && name !== 'x-rollcall')
      at.take(place, 'otherwise', 'is yours and not read; its anchors are')
    else at.fault(place, `is not a key of ${of}`, suggest(name, keys), 'service.key_unsupported')
    return undefined
  }
  if (key.standing === 'refused') {
    if (key.isHarmless?.(value)) at.take(place, 'taken', '')
    else at.fault(place, 'is not supported', key.instead, 'service.key_unsupported')
    return undefined
  }
  // A key without a value is one that is left out, as for Compose.
  if (isNull(value)) {
    at.take(place, 'otherwise', 'has no value and counts as left out')
    return undefined
  }
  if (isListed || key.standing === 'otherwise') at.take(place, key.standing, key.says)
  return key.shape.read(value, at)
}

/** Names the key that was probably meant. */
function suggest(name: string, keys: Keys): string {
  const near = Object.keys(keys).find((key) => isNear(name.toLowerCase().replaceAll('-', '_'), key))
  return near ? `did you mean ${near}?` : 'remove it; the key table of the guide lists what there is'
}

/** Tells whether two words differ by at most one letter that is missing, added, changed, or swapped with its neighbour. */
function isNear(one: string, other: string): boolean {
  if (one === other) return true
  if (Math.abs(one.length - other.length) > 1) return false
  let start = 0
  while (start < one.length && one[start] === other[start]) start++
  const [rest, expected] = [one.slice(start), other.slice(start)]
  return (
    rest.slice(1) === expected ||
    rest === expected.slice(1) ||
    rest.slice(1) === expected.slice(1) ||
    (rest[0] === expected[1] && rest[1] === expected[0] && rest.slice(2) === expected.slice(2))
  )
}
