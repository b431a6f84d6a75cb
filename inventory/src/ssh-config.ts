import { type ImportedHost, MAX_HOSTS, type Problem, problemsOfValues, type Unread } from './imported.ts'
import { type Criterion, decideMatch, matchesHost, readCriteria, UNDECIDED } from './ssh-match.ts'
import { splitArguments } from './ssh-words.ts'

/** A file that an Include names. */
export interface IncludedFile {
  name: string
  text: string
}

interface Options {
  include?: (pattern: string) => readonly IncludedFile[] | undefined
  localUser?: string
}

type Part =
  | { kind: 'host'; patterns: string[] }
  | { kind: 'match'; criteria: Criterion[] }
  | { kind: 'include'; files: Part[][] }
  | { kind: 'option'; key: string; value: string }

/** OpenSSH's own bound. */
const MAX_INCLUDES = 16
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|::1)$/i
/** The options that are read. The first value of each counts. */
const READ = new Set([
  'hostname',
  'port',
  'user',
  'proxyjump',
  'proxycommand',
  'identityfile',
  'certificatefile',
  'canonicalizehostname',
])

/** Recognises an OpenSSH config rather than a list of hosts. */
export const isSshConfig = (text: string): boolean =>
  /^[ \t]*(Host|Match)(?:[ \t]*=[ \t]*|[ \t]+)\S/im.test(text) &&
  !/^[ \t]*\[[^\]]+\][ \t]*$/m.test(text) &&
  !/\bansible_\w+\s*[=:]/.test(text)

/**
 * Reads an OpenSSH config as `ssh -G` resolves it (readconf.c): for each name that a Host line has in full, the first value of each option
 * counts, out of all blocks that fit. Patterns name no host.
 */
export function readSshConfig(text: string, options: Options): { hosts: ImportedHost[]; unread: Unread[] } {
  const unread: Unread[] = []
  const parts = parse(text, options, unread, 0)
  const names = new Set(namesIn(parts))
  if (names.size > MAX_HOSTS) {
    unread.push({
      line: 0,
      text: '',
      reason: `has more than ${MAX_HOSTS} hosts; only the first ones are read`,
    })
  }
  return { hosts: [...names].slice(0, MAX_HOSTS).map((name) => toHost(name, parts, options)), unread }
}

function parse(text: string, options: Options, unread: Unread[], depth: number): Part[] {
  const parts: Part[] = []
  for (const [index, raw] of text.split(/\r\n|\n|\r/).entries()) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    const refuse = (reason: string) =>
      void unread.push({ line: depth === 0 ? index + 1 : 0, text: raw, reason })
    const part = readPart(line, refuse, (patterns) => included(patterns, options, unread, depth, refuse))
    if (part) parts.push(part)
  }
  return parts
}

function readPart(
  line: string,
  refuse: (reason: string) => void,
  include: (patterns: readonly string[]) => Part[][],
): Part | undefined {
  const [, keyword = '', rest = ''] = /^"?([A-Za-z][A-Za-z0-9]*)"?(?:\s*=\s*|\s+|$)(.*)$/.exec(line) ?? []
  const key = keyword.toLowerCase()
  const values = splitArguments(rest)
  if (key === '') refuse('begins with no keyword of ssh')
  else if (values === null) refuse('has an unclosed quote')
  else if (values.length === 0) refuse(`has no value for ${keyword}`)
  else if (key === 'host') return { kind: 'host', patterns: values }
  else if (key === 'include') return { kind: 'include', files: include(values) }
  else if (READ.has(key)) return { kind: 'option', key, value: values[0] as string }
  else if (key === 'match') {
    const criteria = readCriteria(values)
    if (typeof criteria !== 'string') return { kind: 'match', criteria }
    refuse(criteria)
  }
  return undefined
}

function included(
  patterns: readonly string[],
  options: Options,
  unread: Unread[],
  depth: number,
  refuse: (reason: string) => void,
): Part[][] {
  if (depth >= MAX_INCLUDES) {
    refuse(`includes files more than ${MAX_INCLUDES} deep`)
    return []
  }
  return patterns.flatMap((pattern) => {
    const files = options.include?.(pattern)
    if (files === undefined) {
      refuse(
        'names other files, which cannot be read here: paste their text too, or use "rollcall host import"',
      )
      return []
    }
    return files.map(({ name, text }) => {
      const before = unread.length
      const parts = parse(text, options, unread, depth + 1)
      for (const each of unread.slice(before)) each.reason = `${name}: ${each.reason}`
      return parts
    })
  })
}

function namesIn(parts: readonly Part[]): string[] {
  return parts.flatMap((part) => {
    if (part.kind === 'include') return part.files.flatMap(namesIn)
    if (part.kind !== 'host') return []
    return part.patterns.filter((pattern) => !/[*?!]/.test(pattern))
  })
}

interface Resolution {
  values: Map<string, string>
  problems: Problem[]
}

/** Walks all blocks with the options found so far. `isFinal` is the second time, in which `Match final` holds. */
function walk(
  parts: readonly Part[],
  name: string,
  found: Resolution,
  options: Options,
  isFinal: boolean,
  isWithin = true,
): void {
  let isActive = isWithin
  for (const part of parts) {
    if (part.kind === 'host') isActive = isWithin && matchesHost(part.patterns, name)
    else if (part.kind === 'match') {
      const decision = isWithin && decide(part.criteria, name, found, options, isFinal)
      isActive = decision === true
      if (decision === UNDECIDED) {
        const detail = part.criteria.map(({ attribute }) => attribute).join(' ')
        if (!found.problems.some((each) => each.code === 'match' && each.detail === detail))
          found.problems.push({ code: 'match', detail })
      }
    } else if (part.kind === 'include')
      for (const file of part.files) walk(file, name, found, options, isFinal, isActive)
    else if (isActive && !isDecided(part.key, found)) found.values.set(part.key, part.value)
  }
}

/** Sets an option unless it is set: the first value counts, and of ProxyJump and ProxyCommand the first one. */
const isDecided = (key: string, { values }: Resolution): boolean =>
  values.has(key) ||
  (/^proxy(jump|command)$/.test(key) && (values.has('proxyjump') || values.has('proxycommand')))

const decide = (
  criteria: readonly Criterion[],
  name: string,
  { values }: Resolution,
  options: Options,
  isFinal: boolean,
) =>
  decideMatch(criteria, {
    originalHost: name,
    host: expandHost(values.get('hostname') ?? name, name),
    user: values.get('user') ?? options.localUser,
    localUser: options.localUser,
    isFinal,
  })

function toHost(name: string, parts: readonly Part[], options: Options): ImportedHost {
  const found: Resolution = { values: new Map(), problems: [] }
  walk(parts, name, found, options, false)
  if (hasFinal(parts)) walk(parts, name, found, options, true)
  const { values, problems } = found
  const value = (key: string) => {
    const text = values.get(key)
    return text === undefined || text.toLowerCase() === 'none' ? undefined : text
  }
  const port = values.get('port')
  const host = {
    name,
    address: expandHost(values.get('hostname') ?? name, name),
    port: port === undefined ? 22 : /^\d{1,5}$/.test(port) ? Number(port) : Number.NaN,
    user: values.get('user'),
  }
  const jump = value('proxyjump')
  const command = value('proxycommand')
  if (jump !== undefined) problems.push({ code: 'jump_host', detail: jump })
  else if (command !== undefined) problems.push({ code: 'proxy_command', detail: 'ProxyCommand' })
  if (/^(yes|always)$/i.test(values.get('canonicalizehostname') ?? ''))
    problems.push({ code: 'canonical', detail: name })
  if (LOOPBACK.test(host.address)) problems.push({ code: 'local', detail: host.address })
  const keyFile = value('identityfile')
  return {
    ...host,
    labels: {},
    keyFile,
    certificateFile: value('certificatefile'),
    problems: [...problems, ...problemsOfValues(host)],
    notes: keyFile === undefined ? [] : ['key_file'],
  }
}

const hasFinal = (parts: readonly Part[]): boolean =>
  parts.some((part) =>
    part.kind === 'include'
      ? part.files.some(hasFinal)
      : part.kind === 'match' && part.criteria.some(({ attribute }) => attribute === 'final'),
  )

const expandHost = (text: string, name: string): string =>
  text.replace(/%(.)/g, (whole, token: string) => (token === 'h' ? name : token === '%' ? '%' : whole))
