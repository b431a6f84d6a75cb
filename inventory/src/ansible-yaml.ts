import {
  type Alias,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type YAMLMap,
} from 'yaml'
import { GroupTree, MAX_GROUPS, type Variables } from './group-tree.ts'
import { PatternError, readHostPattern } from './host-pattern.ts'
import { MAX_HOSTS, type Unread } from './imported.ts'

/** Bounds recursion: deeper nesting than people write. */
const MAX_DEPTH = 50
/** Bounds expansion: aliases can make a short text endless. */
const MAX_STEPS = 200_000
const SECTIONS = new Set(['hosts', 'children', 'vars'])

/** Parses as Ansible's PyYAML does: YAML 1.1 with merge keys, the last of two equal keys wins, and tags that only Ansible knows. */
function parse(text: string) {
  const lines = new LineCounter()
  const secret = { resolve: () => ({ kind: 'vault' }), tag: '' }
  const document = parseDocument(text, {
    version: '1.1',
    merge: true,
    uniqueKeys: false,
    lineCounter: lines,
    prettyErrors: false,
    customTags: (tags) => [
      ...tags,
      { ...secret, tag: '!vault' },
      { ...secret, tag: '!vault-encrypted' },
      { tag: '!unsafe', resolve: (value: string) => value },
    ],
  })
  return { document, lines }
}

/** Recognises an inventory in YAML rather than in INI: a mapping of groups, of which one has a group's keys. */
export function isYaml(text: string): boolean {
  if (/^\s*\[[^\]]+\]\s*$/m.test(text) && !/^\s*(hosts|children|vars)\s*:/m.test(text)) return false
  const { contents } = parse(text).document
  if (!isMap(contents)) return false
  return contents.items.some(
    ({ value }) => isMap(value) && value.items.some((pair) => SECTIONS.has(toText(pair.key as Node) ?? '')),
  )
}

/** Reads an inventory in YAML by the rules of Ansible's own reader (plugins/inventory/yaml.py). */
export function readYaml(text: string): { tree: GroupTree; unread: Unread[] } {
  const { document, lines } = parse(text)
  const reader = new YamlReader(text, lines, document)
  for (const { message, pos } of document.errors)
    reader.report(pos[0], `is not valid YAML: ${message.split('\n')[0]}`)
  if (document.errors.length === 0 && !isMap(document.contents))
    reader.report(0, 'must be a mapping of groups')
  else if (document.errors.length === 0 && isMap(document.contents)) reader.read(document.contents)
  return { tree: reader.tree, unread: reader.unread }
}

/** Thrown after more than `MAX_STEPS`. */
class EndlessError extends Error {}

class YamlReader {
  #steps = 0
  readonly #targets = new Map<Alias, Node | undefined>()
  readonly tree = new GroupTree()
  readonly unread: Unread[] = []
  readonly #text: string
  readonly #lines: LineCounter
  readonly #document: ReturnType<typeof parse>['document']

  constructor(text: string, lines: LineCounter, document: ReturnType<typeof parse>['document']) {
    this.#text = text
    this.#lines = lines
    this.#document = document
  }

  read(contents: YAMLMap): void {
    try {
      for (const pair of contents.items) this.group(pair as Pair<Node, Node>, 0)
    } catch (error) {
      if (!(error instanceof EndlessError)) throw error
      this.report(0, 'has aliases that refer to themselves or expand without bound')
    }
  }

  report(offset: number, reason: string): void {
    const { line } = this.#lines.linePos(offset)
    this.unread.push({ line, text: this.#text.split('\n')[line - 1]?.trim() ?? '', reason })
  }

  /** Adds a group and all below it. Returns its name; undefined if it is skipped. */
  group({ key, value }: Pair<Node, Node | null>, depth: number): string | undefined {
    const at = key?.range?.[0] ?? 0
    const name = toText(key)
    if (name === undefined || depth > MAX_DEPTH || this.tree.groupCount >= MAX_GROUPS) {
      this.report(
        at,
        name === undefined
          ? 'must be the name of a group'
          : 'has too many groups, or one in the other too often',
      )
      return undefined
    }
    const content = this.#resolved(value)
    if (content !== null && !isMap(content)) {
      this.report(at, `${name} is not a group: a group is a mapping with hosts, children or vars`)
      return undefined
    }
    this.tree.addGroup(name)
    for (const part of content?.items ?? []) this.#part(name, part as Pair<Node, Node | null>, depth)
    return name
  }

  #part(group: string, { key, value }: Pair<Node, Node | null>, depth: number): void {
    const section = toText(key)
    const at = key?.range?.[0] ?? 0
    if (section === undefined || !SECTIONS.has(section))
      return void this.report(at, `${section ?? 'this'} is unknown: a group has hosts, children and vars`)
    const content = this.#resolved(value)
    // A single name may stand in place of a mapping.
    const lone = toText(content)
    if (lone !== undefined && lone !== '' && content) {
      if (section === 'hosts') this.#host(group, lone, null, at)
      else if (section === 'children')
        this.#child(group, this.group({ key: content, value: null } as Pair<Node, null>, depth + 1), at)
      return
    }
    if (content === null) return
    if (!isMap(content))
      return void this.report(at, `${section} of ${group} must be a mapping, with a colon after each name`)
    if (section === 'vars') {
      for (const [name, value] of this.#variables(content))
        this.tree.addGroup(group).variables.set(name, value)
      return
    }
    for (const pair of this.#members(content)) {
      const place = pair.key?.range?.[0] ?? at
      if (section === 'children') this.#child(group, this.group(pair, depth + 1), place)
      else this.#host(group, toText(pair.key), this.#resolved(pair.value), place)
    }
  }

  #child(group: string, child: string | undefined, at: number): void {
    if (child !== undefined && !this.tree.addChild(group, child))
      this.report(at, `would make ${group} a child of itself`)
  }

  #host(group: string, pattern: string | undefined, content: Node | null, at: number): void {
    if (pattern === undefined) return void this.report(at, 'must be the name of a host')
    if (content !== null && !isMap(content) && toText(content) !== '')
      return void this.report(
        at,
        `${pattern} must be a mapping of variables, or have nothing after its colon`,
      )
    try {
      const hosts = readHostPattern(pattern, MAX_HOSTS)
      if (this.tree.hostCount + hosts.names.length > MAX_HOSTS)
        return void this.report(at, `has more than ${MAX_HOSTS} hosts in total`)
      this.tree.addHosts(hosts, group, isMap(content) ? this.#variables(content) : [])
    } catch (error) {
      if (!(error instanceof PatternError)) throw error
      this.report(at, error.message)
    }
  }

  /** Resolves aliases. Returns null for nothing. Throws `EndlessError` after too many. */
  #resolved(node: Node | null | undefined): Node | null {
    if (++this.#steps > MAX_STEPS) throw new EndlessError()
    const target = isAlias(node) ? this.#target(node) : node
    if (!target || (isScalar(target) && target.value === null)) return null
    return target as Node
  }

  /** Caches resolved aliases: resolving one walks the whole document. */
  #target(alias: Alias): Node | undefined {
    if (!this.#targets.has(alias)) this.#targets.set(alias, alias.resolve(this.#document))
    return this.#targets.get(alias)
  }

  /** Returns the pairs of a mapping, including merged ones. */
  #members(map: YAMLMap, depth = 0): Pair<Node, Node | null>[] {
    if (depth > MAX_DEPTH) throw new EndlessError()
    const own = (map.items as Pair<Node, Node | null>[]).filter(({ key }) => toText(key) !== '<<')
    const merged = (map.items as Pair<Node, Node | null>[])
      .filter(({ key }) => toText(key) === '<<')
      .map(({ value }) => this.#resolved(value))
      // Of several that are merged in, the first wins: it comes last here.
      .flatMap((node) =>
        isSeq(node) ? node.items.map((item) => this.#resolved(item as Node)).reverse() : [node],
      )
      .flatMap((node) => (isMap(node) ? this.#members(node, depth + 1) : []))
    const names = new Set(own.map(({ key }) => toText(key)))
    return [...merged.filter(({ key }) => !names.has(toText(key))), ...own]
  }

  #variables(map: YAMLMap): Variables {
    const variables: Variables = new Map()
    for (const { key, value } of this.#members(map)) {
      const name = toText(key)
      const node = this.#resolved(value)
      if (name === undefined || node === null) continue
      const text = toText(node)
      const isVault = isScalar(node) && /^!vault/.test(node.tag ?? '')
      variables.set(name, isVault ? { kind: 'vault' } : (text ?? { kind: 'structure' }))
    }
    return variables
  }
}

/** Returns the text of a scalar, a number as it was written, since `0022` and `22` differ to people; undefined for anything else. */
function toText(node: Node | null | undefined): string | undefined {
  if (!isScalar(node) || node.value === null) return undefined
  if (typeof node.value === 'string') return node.value
  if (typeof node.value === 'number' || typeof node.value === 'bigint') return String(node.value)
  return node.source ?? String(node.value)
}
