import type { YAMLMap, Node as YamlNode } from 'yaml'
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Pair,
  Scalar as YamlScalar,
} from 'yaml'
import { MAX_ALIASES, MAX_DEPTH, MAX_FAULTS, MAX_VALUES } from '../limits.ts'
import type { Fault } from './fault.ts'
import type { Entry, Node, Place, Scalar } from './tree.ts'

const KNOWN_TAG = /^tag:yaml\.org,2002:(str|int|float|bool|null|map|seq)$/
const TOO_LARGE = 'request.too_large' as const

/** Thrown where a file is larger than it looks. The fault is recorded already. */
class TooLargeError extends Error {}

/** Converts a parsed document to our tree: aliases and merge keys resolved within bounds, every key once, everything with its place. */
export class TreeBuilder {
  readonly faults: Fault[] = []
  readonly #document: Document
  readonly #toPlace: (offset: number) => Place
  /** Anchors seen so far, in the order of the text, as aliases see them. */
  readonly #anchors = new Map<string, YamlNode>()
  readonly #built = new Map<YamlNode, Node>()
  /** Values below each node, those that aliases repeat counted each time. */
  readonly #sizes = new Map<Node, number>()
  readonly #building = new Set<YamlNode>()
  #aliases = 0

  constructor(document: Document, toPlace: (offset: number) => Place) {
    this.#document = document
    this.#toPlace = toPlace
  }

  /** Returns the tree; undefined after a fault that leaves nothing to read. */
  build(): Node | undefined {
    const { contents } = this.#document
    try {
      return this.#build(contents as YamlNode | null, { line: 1, column: 1 }, 0)
    } catch (error) {
      if (!(error instanceof TooLargeError)) throw error
      return undefined
    }
  }

  #fault(place: Place, code: Fault['code'], key: string, reason: string, instead: string): void {
    if (this.faults.length < MAX_FAULTS)
      this.faults.push({ code, line: place.line, column: place.column, key, reason, instead })
  }

  #tooLarge(place: Place, reason: string, instead: string): never {
    this.#fault(place, TOO_LARGE, '', reason, instead)
    throw new TooLargeError()
  }

  #place(node: YamlNode | null | undefined, fallback: Place): Place {
    return node?.range ? this.#toPlace(node.range[0]) : fallback
  }

  #build(node: YamlNode | null, fallback: Place, depth: number): Node {
    const place = this.#place(node, fallback)
    if (depth > MAX_DEPTH) this.#tooLarge(place, 'is nested too deep', `write at most ${MAX_DEPTH} levels`)
    if (isAlias(node)) return this.#alias(node, place)
    const known = node && this.#built.get(node)
    if (known) return known
    if (node) {
      if (node.anchor) this.#anchors.set(node.anchor, node)
      this.#building.add(node)
    }
    const built = this.#convert(node, place, depth)
    if (node) {
      this.#building.delete(node)
      this.#built.set(node, built)
    }
    return built
  }

  #convert(node: YamlNode | null, place: Place, depth: number): Node {
    if (node?.tag && !KNOWN_TAG.test(node.tag))
      this.#fault(place, 'service.invalid', '', 'has a tag that is not known', 'remove the tag')
    if (isSeq(node)) {
      const items = node.items.map((item) => this.#build(item as YamlNode, place, depth + 1))
      return this.#measured({ kind: 'list', place, items }, items)
    }
    if (isMap(node)) {
      const entries = this.#entries(node, place, depth)
      return this.#measured(
        { kind: 'map', place, entries },
        entries.map(({ value }) => value),
      )
    }
    return this.#measured(toScalar(node, place), [])
  }

  #measured(node: Node, below: readonly Node[]): Node {
    const size = below.reduce((sum, one) => sum + (this.#sizes.get(one) ?? 1), 1)
    if (size > MAX_VALUES)
      this.#tooLarge(
        node.place,
        `has more than ${MAX_VALUES} values`,
        'repeat less with aliases, or split the file',
      )
    this.#sizes.set(node, size)
    return node
  }

  #alias(alias: Alias, place: Place): Node {
    if (++this.#aliases > MAX_ALIASES)
      this.#tooLarge(place, `has more than ${MAX_ALIASES} aliases`, 'write the values out, or split the file')
    const target = this.#anchors.get(alias.source)
    if (!target)
      this.#fault(
        place,
        'service.invalid',
        '',
        'has an alias without its anchor',
        'define &name before *name is used',
      )
    if (target && this.#building.has(target))
      this.#fault(place, 'service.invalid', '', 'has an alias within its own anchor', 'write the value out')
    return (target && this.#built.get(target)) ?? { kind: 'scalar', place, type: 'null', text: '' }
  }

  /** Reads the entries of a mapping. What is merged in comes last, and gives way to the mapping's own keys. */
  #entries(map: YAMLMap, around: Place, depth: number): Entry[] {
    const own = new Map<string, Entry>()
    const merged: Entry[] = []
    for (const { key, value } of map.items as Pair<YamlNode, YamlNode | null>[]) {
      const place = this.#place(key, around)
      if (isMergeKey(key)) {
        merged.push(...this.#merged(this.#build(value, place, depth + 1), place))
        continue
      }
      const name = isScalar(key) ? toScalar(key, place).text : undefined
      const built = this.#build(value, place, depth + 1)
      if (name === undefined)
        this.#fault(
          place,
          'service.invalid',
          '',
          'has a key that is not a text',
          'write a name before the colon',
        )
      else if (own.has(name))
        this.#fault(
          place,
          'service.invalid',
          name,
          'is there twice',
          `keep one; the other is in line ${own.get(name)?.place.line}`,
        )
      else own.set(name, { key: name, place, value: built })
    }
    const names = new Set(own.keys())
    // Of several that are merged in, the first wins.
    const added = merged.filter(({ key }) => !names.has(key) && names.add(key))
    return [...own.values(), ...added]
  }

  #merged(node: Node, place: Place): readonly Entry[] {
    const sources = node.kind === 'list' ? node.items : [node]
    return sources.flatMap((source) => {
      if (source.kind === 'map') return source.entries
      this.#fault(
        place,
        'service.invalid',
        '<<',
        'merges what is not a mapping',
        'give it an alias of a mapping',
      )
      return []
    })
  }
}

function isMergeKey(key: YamlNode | null): boolean {
  return isScalar(key) && key.value === '<<' && (key.type === undefined || key.type === YamlScalar.PLAIN)
}

function toScalar(node: YamlNode | null, place: Place): Scalar {
  if (!isScalar(node) || node.value === null) return { kind: 'scalar', place, type: 'null', text: '' }
  const { value, source } = node
  if (typeof value === 'string') return { kind: 'scalar', place, type: 'text', text: value }
  const type = typeof value === 'boolean' ? 'boolean' : 'number'
  return { kind: 'scalar', place, type, text: source ?? String(value) }
}
