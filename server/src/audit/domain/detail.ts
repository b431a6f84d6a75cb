import type { Route } from '@rollcall/contracts/admin'
import { pickDeclared } from './pick-declared.ts'
import { REDACTED, redactSecretArguments, redactSecrets } from './redact-secrets.ts'

/** The size of a whole detail as the database stores it. */
export const MAX_DETAIL_BYTES = 4096
const MAX_TEXT = 500
/** The length of text searched for secrets; the rest is never recorded. */
const MAX_SEARCHED_TEXT = 2 * MAX_TEXT
const MAX_SEARCHED_TOTAL = 16 * MAX_DETAIL_BYTES
const MAX_KEY = 100
const MAX_ITEMS = 50
const MAX_DEPTH = 4
const CUT = '…'

/** Names of fields that may hold secrets; only their presence is recorded. */
const SECRET_FIELD =
  /password|passphrase|privatekey|secret|token|credential|^code$|^callback$|^data$|^env$|^variables$|^text$/i
/** Fields whose keys users choose, such as labels, where `env` is a common name. */
const PLAIN_FIELDS = new Set(['labels', 'target', 'limits'])

type Fields = Pick<Route, 'params' | 'query' | 'body'>
type Parts = Partial<Record<keyof Fields, unknown>>

/** Converts a request to the detail of its audit entry: the declared fields, redacted and bounded in size. */
export function toDetail(route: Fields, parts: Parts): Record<string, unknown> {
  const fields = (['params', 'query', 'body'] as const).map((part) => pickDeclared(route[part], parts[part]))
  const shown = redactFields(Object.assign({}, ...fields), { left: MAX_SEARCHED_TOTAL })
  return boundDetail(shown as Record<string, unknown>)
}

/** `budget` bounds the text that is searched, because most of a large request is never recorded. */
function redactFields(value: unknown, budget: { left: number }, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value, budget)
  if (value === null || typeof value !== 'object' || depth > MAX_DEPTH) return value
  if (Array.isArray(value)) return cutItems(value).map((item) => redactFields(item, budget, depth + 1))
  const { program, args } = value as { program?: unknown; args?: unknown }
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, MAX_ITEMS)
      .map(([key, item]) => {
        if (key === 'args' && isTexts(args)) return [key, redactArguments(String(program ?? ''), args)]
        if (key === 'argv' && isTexts(item)) return [key, redactCommand(item)]
        if (PLAIN_FIELDS.has(key)) return [key, item]
        return [key, SECRET_FIELD.test(key) ? redactField(key, item) : redactFields(item, budget, depth + 1)]
      }),
  )
}

function redactText(text: string, budget: { left: number }): string {
  if (budget.left <= 0) return CUT
  budget.left -= Math.min(text.length, MAX_SEARCHED_TEXT)
  return redactSecrets(text.slice(0, MAX_SEARCHED_TEXT))
}

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((each) => typeof each === 'string')

function redactArguments(program: string, args: string[]): unknown[] {
  const shown = args.slice(0, MAX_ITEMS).map((arg) => arg.slice(0, MAX_SEARCHED_TEXT))
  return [...redactSecretArguments(program, shown), ...cutItems(args).slice(MAX_ITEMS)]
}

/** Redacts the words of a program, which begin with its name. */
const redactCommand = ([program, ...args]: string[]): unknown[] =>
  program === undefined
    ? []
    : [redactSecrets(program.slice(0, MAX_SEARCHED_TEXT)), ...redactArguments(program, args)]

const cutItems = (items: readonly unknown[]): unknown[] =>
  items.length > MAX_ITEMS
    ? [...items.slice(0, MAX_ITEMS), `and ${items.length - MAX_ITEMS} more`]
    : [...items]

function redactField(key: string, value: unknown): unknown {
  if (value === undefined || value === null) return value
  // Records the names of environment variables and playbook variables, which are not secret.
  if ((key === 'env' || key === 'variables') && typeof value === 'object')
    return Object.keys(value).slice(0, MAX_ITEMS)
  return REDACTED
}

/**
 * Truncates a detail to `MAX_DETAIL_BYTES`, keeping the first fields, and makes every string and number storable. Pure.
 */
export function boundDetail(detail: Record<string, unknown>): Record<string, unknown> {
  return fitToRoom(detail, { left: MAX_DETAIL_BYTES - 64 }, 0) as Record<string, unknown>
}

const jsonBytes = (value: unknown) => Buffer.byteLength(JSON.stringify(value) ?? '') + 2

/** Fits a value into the remaining `room` and replaces the rest by `CUT`. */
function fitToRoom(value: unknown, room: { left: number }, depth: number): unknown {
  if (value === undefined) return undefined
  if (value === null || typeof value !== 'object') {
    const text = cutText(toStorable(value), room.left)
    room.left -= jsonBytes(text)
    return text
  }
  room.left -= 4
  if (depth >= MAX_DEPTH) return CUT
  if (Array.isArray(value)) {
    const items: unknown[] = []
    for (const item of cutItems(value)) {
      if (room.left < 16) return [...items, CUT]
      items.push(fitToRoom(item, room, depth + 1) ?? null)
    }
    return items
  }
  const fields: [string, unknown][] = []
  const given = Object.entries(value).filter(([, item]) => item !== undefined)
  for (const [key, item] of given.slice(0, MAX_ITEMS)) {
    const name = key.slice(0, MAX_KEY).toWellFormed().replaceAll('\0', '\ufffd')
    if (room.left < jsonBytes(name) + 32) return Object.fromEntries([...fields, [CUT, CUT]])
    room.left -= jsonBytes(name)
    fields.push([name, fitToRoom(item, room, depth + 1)])
  }
  return Object.fromEntries(fields)
}

function toStorable(value: unknown): unknown {
  if (typeof value === 'number' && !(Math.abs(value) <= Number.MAX_SAFE_INTEGER)) return String(value)
  // PostgreSQL writes a number such as 5e-324 with all its decimal places.
  if (typeof value === 'number' && value !== 0 && Math.abs(value) < 1e-6) return String(value)
  if (typeof value !== 'string') return value
  const text = value.toWellFormed().replaceAll('\0', '\ufffd')
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT).toWellFormed()}${CUT}` : text
}

function cutText(value: unknown, left: number): unknown {
  if (typeof value !== 'string' || jsonBytes(value) <= left) return value
  let length = value.length
  while (length > 0 && jsonBytes(value.slice(0, length)) + 4 > left) length = Math.floor(length * 0.8)
  return `${value.slice(0, length).toWellFormed()}${CUT}`
}
