/** A pattern that Ansible reads as one host or many, with an optional port: `web[01:20].example.com:2222`. */
export interface HostPattern {
  names: string[]
  port: number | undefined
}

/** A text that is not a host pattern. Its message says why. */
export class PatternError extends Error {}

const RANGE = String.raw`\[(?:[a-z]:[a-z]|[0-9]+:[0-9]+)(?::[0-9]+)?\]`
const LABEL = String.raw`(?:\w|${RANGE})(?:[\w-]|${RANGE})*(?<![_-])`
const HOST_NAME = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`, 'iu')
const IPV6 = /^(?=[^:]*:[^:]*:)(?:[0-9a-f:.]|\[[0-9a-f]+:[0-9a-f]+(?::[0-9]+)?\])+$/i
/** The longest pattern, in characters. */
const MAX_LENGTH = 1000
const BRACKETED = /^\[(.+)\]:([0-9]+)$/
const WITH_PORT = /^((?:[^:[\]]|\[[^\]]*\])*):([0-9]+)$/
const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'

/**
 * Parses a pattern as Ansible does (parsing/utils/addresses.py): anything that is not an address is a plain name. Throws `PatternError`
 * for an invalid range, and for one of more than `limit` hosts.
 */
export function readHostPattern(text: string, limit: number): HostPattern {
  if (text.length > MAX_LENGTH) throw new PatternError(`is longer than ${MAX_LENGTH} characters`)
  const { host, port } = splitPort(text)
  if (text.trim().endsWith(':') && port === undefined) throw new PatternError('ends in ":" without a port')
  const names = host.includes('[') ? expand(host, limit) : [host]
  return { names, port }
}

function splitPort(text: string): { host: string; port: number | undefined } {
  const [, bracketed, bracketedPort] = BRACKETED.exec(text) ?? []
  const [, plain, plainPort] = WITH_PORT.exec(bracketed ?? text) ?? []
  const host = plain ?? bracketed ?? text
  const port = plainPort ?? bracketedPort
  // Text that Ansible cannot read as an address is a plain name.
  if (!HOST_NAME.test(host) && !IPV6.test(host)) return { host: text, port: undefined }
  return { host, port: port === undefined ? undefined : Number(port) }
}

function expand(pattern: string, limit: number): string[] {
  const [, head = '', range, tail = ''] = /^([^[]*)\[([^\]]*)\](.*)$/s.exec(pattern) ?? []
  if (range === undefined) throw new PatternError('has an unclosed bracket')
  const parts = range.split(':')
  if (parts.length !== 2 && parts.length !== 3)
    throw new PatternError('has an invalid range: use [begin:end] or [begin:end:step]')
  const [begin = '', end = '', step = '1'] = parts
  const values = valuesOf(begin === '' ? '0' : begin, end, step, limit)
  const all = values.flatMap((value) => {
    const name = head + value + tail
    return name.includes('[') ? expand(name, Math.ceil(limit / values.length)) : [name]
  })
  if (all.length > limit) throw new PatternError(`has more than ${limit} hosts`)
  return all
}

function valuesOf(begin: string, end: string, step: string, limit: number): string[] {
  if (end === '') throw new PatternError('has a range without an end')
  const width = begin.length > 1 && begin.startsWith('0') ? begin.length : 0
  if (width > 0 && width !== end.length)
    throw new PatternError('has a range with leading zeros whose ends differ in length')
  const by = Number(step)
  if (!/^\d+$/.test(step) || by < 1)
    throw new PatternError('has an invalid step: it must be a number of at least 1')
  const [first, last] = [LETTERS.indexOf(begin), LETTERS.indexOf(end)]
  const isLetters = begin.length === 1 && end.length === 1 && first >= 0 && last >= 0
  if (!isLetters && !(/^\d+$/.test(begin) && /^\d+$/.test(end)))
    throw new PatternError('has an invalid range: it must be of numbers or letters')
  const from = isLetters ? first : Number(begin)
  const to = isLetters ? last : Number(end)
  if (isLetters && from > to) throw new PatternError('has a range that ends before it begins')
  if ((to - from) / by > limit) throw new PatternError(`has more than ${limit} hosts`)
  const values: string[] = []
  for (let at = from; at <= to; at += by)
    values.push(isLetters ? (LETTERS[at] ?? '') : String(at).padStart(width, '0'))
  return values
}
