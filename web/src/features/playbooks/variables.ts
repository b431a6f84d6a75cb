import type { PlaybookVariable } from '@rollcall/contracts/admin'
import { t } from '../../i18n/index.tsx'

/** Texts by the name of the variable. An empty one is not given: the playbook's default holds. */
export type Typed = Readonly<Record<string, string>>

type Given = Record<string, unknown>

/** Returns the form's field of a variable. Secrets stand apart, since they are kept nowhere. */
export const variableField = ({ name, isSecret }: PlaybookVariable) =>
  `${isSecret ? 'secrets' : 'typed'}.${name}`

/** Tells whether a variable is typed as lines: a list of texts has an item on each. */
export const isLines = ({ type, elements }: PlaybookVariable) =>
  type === 'list' && (elements === null || elements === 'str' || elements === 'path')
/** Tells whether a variable is typed as JSON: lists of anything else, mappings and raw values are. */
export const isJson = (variable: PlaybookVariable) =>
  !isLines(variable) && (variable.type === 'list' || variable.type === 'dict' || variable.type === 'raw')

/**
 * Returns the variables as the server takes them, and what is wrong by field of the request, `variables.NAME`. Numbers are sent as
 * they were typed: the server knows what each has to be, and says it for all of them at once.
 */
export function givenOf(
  variables: readonly PlaybookVariable[],
  typed: Typed,
): { given: Given; faults: Record<string, string> } {
  const given: Given = {}
  const faults: Record<string, string> = {}
  for (const variable of variables) {
    const text = typed[variable.name] ?? ''
    if (text.trim() === '') {
      if (variable.isRequired) faults[`variables.${variable.name}`] = t('playbooks.missing')
    } else if (isLines(variable)) {
      given[variable.name] = text.split('\n').filter((line) => line.trim() !== '')
    } else if (isJson(variable)) {
      const value = jsonIn(text)
      if (value === undefined) faults[`variables.${variable.name}`] = t('playbooks.noJson')
      else given[variable.name] = value
    } else given[variable.name] = text
  }
  return { given, faults }
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Returns, as text, what holds when nothing is typed. */
export function defaultText({ default: value }: PlaybookVariable): string {
  if (value === undefined || value === null || value === '') return ''
  return Array.isArray(value) && value.length === 0
    ? ''
    : typeof value === 'string'
      ? value
      : JSON.stringify(value)
}
