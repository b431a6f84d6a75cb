import { GroupTree, MAX_GROUPS } from './group-tree.ts'
import { PatternError, readHostPattern } from './host-pattern.ts'
import { MAX_HOSTS, type Unread } from './imported.ts'
import { literalText, splitWords } from './ini-words.ts'

const SECTION = /^\[([^:\]\s]+)(?::(\w+))?\]\s*(?:#.*)?$/
const GROUP_NAME = /^([^:\]\s]+)\s*(?:#.*)?$/

/** A line that cannot be parsed. Its message says why. */
class LineError extends Error {}

/**
 * Reads an inventory in INI by the rules of Ansible's own reader (plugins/inventory/ini.py). Where Ansible would refuse the whole file for a
 * line, that line is returned as unread, and the others are taken. Beyond Ansible, `user@address[:port] [name]` is taken, as lists have it.
 */
export function readIni(text: string): { tree: GroupTree; unread: Unread[] } {
  const reader = new IniReader()
  for (const [index, raw] of text.split(/\r\n|\n|\r/).entries()) reader.read(raw, index + 1)
  reader.finish()
  return { tree: reader.tree, unread: reader.unread }
}

class IniReader {
  readonly tree = new GroupTree()
  readonly unread: Unread[] = []
  /** The line that is read. */
  #line = { line: 0, text: '' }
  #group: string | undefined = 'ungrouped'
  #state = 'hosts'
  /** Groups that are named as children or have variables, and where; each needs a section of its own. */
  readonly #mentioned = new Map<string, Unread>()
  readonly #declared = new Set(['all', 'ungrouped'])

  read(raw: string, number: number): void {
    const line = raw.trim()
    if (line === '' || line.startsWith(';') || line.startsWith('#')) return
    this.#line = { line: number, text: raw }
    try {
      if (!this.#section(line)) this.#content(line)
    } catch (error) {
      if (!(error instanceof LineError || error instanceof PatternError || error instanceof SyntaxError))
        throw error
      this.unread.push({ ...this.#line, reason: error.message })
    }
  }

  finish(): void {
    for (const [group, where] of this.#mentioned) if (!this.#declared.has(group)) this.unread.push(where)
    this.unread.sort((a, b) => a.line - b.line)
  }

  #section(line: string): boolean {
    const [whole, group, state = 'hosts'] = SECTION.exec(line) ?? []
    if (whole === undefined || group === undefined) {
      if (!(line.startsWith('[') && line.endsWith(']')) || /^\[[^\]]*:[^\]]*\]/.test(line)) return false
      this.#group = undefined
      throw new LineError('is not a valid section: a group name has no spaces')
    }
    this.#group = undefined
    if (!['hosts', 'children', 'vars'].includes(state))
      throw new LineError(`has the unknown suffix "${state}"; use :vars or :children`)
    this.#add(group)
    if (state === 'vars') this.#mention(group, `sets variables of ${group}, which is not defined`)
    else this.#declared.add(group)
    this.#group = group
    this.#state = state
    return true
  }

  #content(line: string): void {
    const group = this.#group
    if (group === undefined) throw new LineError('belongs to a section that could not be parsed')
    if (this.#state === 'vars') this.#variable(group, line)
    else if (this.#state === 'hosts') this.#host(group, line)
    else this.#childOf(group, line)
  }

  #childOf(group: string, line: string): void {
    const [, child] = GROUP_NAME.exec(line) ?? []
    if (child === undefined) throw new LineError('must be the name of a group')
    this.#add(child)
    if (!this.tree.addChild(group, child)) throw new LineError(`would make ${group} a child of itself`)
    this.#mention(child, `names the group ${child}, which is not defined`)
  }

  #variable(group: string, line: string): void {
    const at = line.indexOf('=')
    if (at < 0) throw new LineError('must be name=value')
    this.tree.addGroup(group).variables.set(line.slice(0, at).trim(), literalText(line.slice(at + 1).trim()))
  }

  #host(group: string, line: string): void {
    const [first = '', ...rest] = splitWords(line)
    if (first.trim() === '---') throw new LineError('starts a YAML document')
    const own = listEntry(first, rest)
    const hosts = own ?? readHostPattern(first, MAX_HOSTS)
    if (this.tree.hostCount + hosts.names.length > MAX_HOSTS)
      throw new LineError(`has more than ${MAX_HOSTS} hosts in total`)
    const variables = (own ? own.variables : rest).map((word) => {
      const at = word.indexOf('=')
      if (at < 0) throw new LineError(`has "${word}" where name=value was expected`)
      return [word.slice(0, at), literalText(word.slice(at + 1))] as const
    })
    this.tree.addHosts(hosts, group, variables)
  }

  #add(group: string): void {
    if (!this.tree.hasGroup(group) && this.tree.groupCount >= MAX_GROUPS)
      throw new LineError(`has more than ${MAX_GROUPS} groups in total`)
    this.tree.addGroup(group)
  }

  #mention(group: string, reason: string): void {
    if (!this.#mentioned.has(group)) this.#mentioned.set(group, { ...this.#line, reason })
  }
}

/** A user, an address and a port. */
const MAX_ENTRY = 400

/** A line of a plain list: `[user@]address[:port] [name]`, an IPv6 address with a port in brackets. */
const ENTRY =
  /^(?:([^@\s]+)@)?(?:\[([0-9a-fA-F:.%\w]+)\]|([^:@\s[\]]+|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*:[0-9a-fA-F:.]*))(?::(\d{1,5}))?$/

function listEntry(first: string, rest: string[]) {
  const isNamed = rest.length === 1 && !rest[0]?.includes('=') && /[.:@]/.test(first)
  if ((!isNamed && !first.includes('@')) || first.length > MAX_ENTRY) return undefined
  const [, user, bracketed, plain, port] = ENTRY.exec(first) ?? []
  const address = bracketed ?? plain
  if (address === undefined) return undefined
  const variables = [
    ...(user === undefined ? [] : [`ansible_user=${user}`]),
    ...(isNamed || address.includes(':') ? [`ansible_host=${address}`] : []),
    ...(isNamed ? [] : rest),
  ]
  const name = (isNamed ? rest[0] : undefined) ?? address.replaceAll(/[:%]/g, '-')
  return { names: [name], port: port === undefined ? undefined : Number(port), variables }
}
