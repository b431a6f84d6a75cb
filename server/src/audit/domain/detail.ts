import type { Route } from '@rollcall/contracts/admin'
import { declaredIn } from './declared.ts'
import { argumentsWithoutSecrets, NOT_SHOWN, withoutSecrets } from './hidden-secrets.ts'

/** Bytes of an entry's whole detail, as the database writes it. */
export const MAX_DETAIL_BYTES = 4096
const MAX_TEXT = 500
/** Characters of a text that are searched for secrets: the rest is never written down. */
const MAX_SEARCHED = 2 * MAX_TEXT
const MAX_SEARCHED_IN_ALL = 16 * MAX_DETAIL_BYTES
const MAX_KEY = 100
const MAX_ITEMS = 50
const DEEPEST = 4
const CUT = '…'

/** Fields that hold secrets, or may; nothing of them is written down but that they were there. */
const SECRET =
  /password|passphrase|privatekey|secret|token|credential|^code$|^callback$|^data$|^env$|^variables$/i
/** Labels may be called anything: `env` is the most common of them. */
const PLAIN = new Set(['labels', 'target', 'limits'])

type Fields = Pick<Route, 'params' | 'query' | 'body'>
type Parts = Partial<Record<keyof Fields, unknown>>

/** Returns the part of a request that is logged: the fields that its route declares, bounded as a whole, and no secret. */
export function toDetail(route: Fields, parts: Parts): Record<string, unknown> {
  const fields = (['params', 'query', 'body'] as const).map((part) => declaredIn(route[part], parts[part]))
  const shown = withoutSecretFields(Object.assign({}, ...fields), { left: MAX_SEARCHED_IN_ALL })
  return boundedDetail(shown as Record<string, unknown>)
}

/** `budget` is the text that is still searched: of a large request most is never written down. */
function withoutSecretFields(value: unknown, budget: { left: number }, depth = 0): unknown {
  if (typeof value === 'string') return searched(value, budget)
  if (value === null || typeof value !== 'object' || depth > DEEPEST) return value
  if (Array.isArray(value)) return cutItems(value).map((item) => withoutSecretFields(item, budget, depth + 1))
  const { program, args } = value as { program?: unknown; args?: unknown }
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, MAX_ITEMS)
      .map(([key, item]) => {
        if (key === 'args' && isTexts(args)) return [key, shownArguments(String(program ?? ''), args)]
        if (PLAIN.has(key)) return [key, item]
        return [key, SECRET.test(key) ? hidden(key, item) : withoutSecretFields(item, budget, depth + 1)]
      }),
  )
}

function searched(text: string, budget: { left: number }): string {
  if (budget.left <= 0) return CUT
  budget.left -= Math.min(text.length, MAX_SEARCHED)
  return withoutSecrets(text.slice(0, MAX_SEARCHED))
}

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((each) => typeof each === 'string')

function shownArguments(program: string, args: string[]): unknown[] {
  const shown = args.slice(0, MAX_ITEMS).map((arg) => arg.slice(0, MAX_SEARCHED))
  return [...argumentsWithoutSecrets(program, shown), ...cutItems(args).slice(MAX_ITEMS)]
}

const cutItems = (items: readonly unknown[]): unknown[] =>
  items.length > MAX_ITEMS
    ? [...items.slice(0, MAX_ITEMS), `and ${items.length - MAX_ITEMS} more`]
    : [...items]

function hidden(key: string, value: unknown): unknown {
  if (value === undefined || value === null) return value
  // Of an environment and of a playbook's variables the names: they say what was given, and are no secrets.
  if ((key === 'env' || key === 'variables') && typeof value === 'object')
    return Object.keys(value).slice(0, MAX_ITEMS)
  return NOT_SHOWN
}

/**
 * Cuts a detail to `MAX_DETAIL_BYTES`, the first fields first. Every string becomes text that a database takes, and every number
 * one that it writes as short as it came. Pure.
 */
export function boundedDetail(detail: Record<string, unknown>): Record<string, unknown> {
  return taken(detail, { left: MAX_DETAIL_BYTES - 64 }, 0) as Record<string, unknown>
}

const toBytes = (value: unknown) => Buffer.byteLength(JSON.stringify(value) ?? '') + 2

/** Takes of a value what there is room for; CUT stands for what there is none for. */
function taken(value: unknown, room: { left: number }, depth: number): unknown {
  if (value === undefined) return undefined
  if (value === null || typeof value !== 'object') {
    const text = cutText(plainValue(value), room.left)
    room.left -= toBytes(text)
    return text
  }
  room.left -= 4
  if (depth >= DEEPEST) return CUT
  if (Array.isArray(value)) {
    const items: unknown[] = []
    for (const item of cutItems(value)) {
      if (room.left < 16) return [...items, CUT]
      items.push(taken(item, room, depth + 1) ?? null)
    }
    return items
  }
  const fields: [string, unknown][] = []
  const given = Object.entries(value).filter(([, item]) => item !== undefined)
  for (const [key, item] of given.slice(0, MAX_ITEMS)) {
    const name = key.slice(0, MAX_KEY).toWellFormed().replaceAll('\0', '\ufffd')
    if (room.left < toBytes(name) + 32) return Object.fromEntries([...fields, [CUT, CUT]])
    room.left -= toBytes(name)
    fields.push([name, taken(item, room, depth + 1)])
  }
  return Object.fromEntries(fields)
}

function plainValue(value: unknown): unknown {
  if (typeof value === 'number' && !(Math.abs(value) <= Number.MAX_SAFE_INTEGER)) return String(value)
  // A number such as 5e-324 is written out by the database, with a digit for each of its places.
  if (typeof value === 'number' && value !== 0 && Math.abs(value) < 1e-6) return String(value)
  if (typeof value !== 'string') return value
  const text = value.toWellFormed().replaceAll('\0', '\ufffd')
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT).toWellFormed()}${CUT}` : text
}

function cutText(value: unknown, left: number): unknown {
  if (typeof value !== 'string' || toBytes(value) <= left) return value
  let length = value.length
  while (length > 0 && toBytes(value.slice(0, length)) + 4 > left) length = Math.floor(length * 0.8)
  return `${value.slice(0, length).toWellFormed()}${CUT}`
}
