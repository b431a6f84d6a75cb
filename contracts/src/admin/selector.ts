import { z } from 'zod'
import { withoutFault } from '../text.ts'

export const LABEL_KEY = /^[A-Za-z0-9]([A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?$/
export const LABEL_VALUE = /^[A-Za-z0-9._-]{0,63}$/
const MAX_SELECTOR = 1000
const MAX_VALUES = 100

/** One condition on a host's labels. `notIn` holds for a host without the key too, as it does for kubectl. */
export interface LabelTerm {
  key: string
  operator: 'in' | 'notIn' | 'exists' | 'absent'
  /** Empty for `exists` and `absent`. */
  values: readonly string[]
}

const SET_TERM = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/
const EQUALITY_TERM = /^([^=!\s]+)\s*(==|=|!=)\s*([^=!\s]*)$/

/**
 * Reads a selector as kubectl does: terms between commas, each `key=value`, `key==value`, `key!=value`, `key in (a,b)`,
 * `key notin (a,b)`, `key` or `!key`. Returns what is wrong as text.
 */
export function parseSelector(text: string): LabelTerm[] | string {
  const terms: LabelTerm[] = []
  for (const part of text.split(/,(?![^()]*\))/)) {
    const term = parseTerm(part.trim())
    if (typeof term === 'string') return term
    terms.push(term)
  }
  return terms
}

function parseTerm(text: string): LabelTerm | string {
  if (text === '')
    return 'has an empty term; write key=value, key!=value, key in (a,b), key notin (a,b), key or !key'
  const set = SET_TERM.exec(text)
  if (set)
    return checked(
      set[1] ?? '',
      set[2] === 'in' ? 'in' : 'notIn',
      (set[3] ?? '').split(',').map((value) => value.trim()),
    )
  const equality = EQUALITY_TERM.exec(text)
  if (equality) return checked(equality[1] ?? '', equality[2] === '!=' ? 'notIn' : 'in', [equality[3] ?? ''])
  return text.startsWith('!') ? checked(text.slice(1).trim(), 'absent', []) : checked(text, 'exists', [])
}

function checked(key: string, operator: LabelTerm['operator'], values: string[]): LabelTerm | string {
  if (!LABEL_KEY.test(key))
    return `has the term "${key}" where a label key was expected; write key=value, key!=value, key in (a,b), key notin (a,b), key or !key`
  const wrong = values.find((value) => !LABEL_VALUE.test(value))
  if (wrong !== undefined)
    return `asks "${key}" for "${wrong}", which is not a label value: at most 63 letters, digits, dots, dashes and underscores`
  if (values.length > MAX_VALUES) return `asks "${key}" for more than ${MAX_VALUES} values`
  return { key, operator, values }
}

/** Formats a term as `parseSelector` reads it. */
export function toTermText({ key, operator, values }: LabelTerm): string {
  if (operator === 'exists') return key
  if (operator === 'absent') return `!${key}`
  const [only] = values
  if (values.length === 1) return `${key}${operator === 'in' ? '=' : '!='}${only}`
  return `${key} ${operator === 'in' ? 'in' : 'notin'} (${values.join(',')})`
}

/** Tests whether labels match every term. */
export function matchesLabels(
  terms: readonly LabelTerm[],
  labels: Readonly<Record<string, string>>,
): boolean {
  return terms.every(({ key, operator, values }) => {
    const value = Object.hasOwn(labels, key) ? labels[key] : undefined
    if (operator === 'exists') return value !== undefined
    if (operator === 'absent') return value === undefined
    const isListed = value !== undefined && values.includes(value)
    return operator === 'in' ? isListed : !isListed
  })
}

/** A label selector: `env=prod`, `zone in (a,b)`, or several terms separated by commas, which must all match. */
export const labelSelector = z.string().min(1).max(MAX_SELECTOR).superRefine(withoutFault(parseSelector))
