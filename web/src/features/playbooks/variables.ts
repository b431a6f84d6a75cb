import type { PlaybookVariable } from '@rollcall/contracts/admin'
import { t } from '../../i18n/index.tsx'

/** What was typed, by the name of the variable. What is not there, or empty, is not given: the playbook's default holds. */
export type Typed = Readonly<Record<string, string>>

type Given = Record<string, unknown>

/** Several lines of text rather than one: a list of texts has an item on each line, everything else of this kind is JSON. */
export const isLines = ({ type, elements }: PlaybookVariable) =>
  type === 'list' && (elements === null || elements === 'str' || elements === 'path')
export const isJson = (variable: PlaybookVariable) =>
  !isLines(variable) && (variable.type === 'list' || variable.type === 'dict' || variable.type === 'raw')

/**
 * The variables as the server takes them, or what is wrong by the name of the field, `variables.NAME`. Numbers and the like are
 * sent as they were typed: the server knows what each has to be, and says it for all of them at once.
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

/** What holds when nothing is typed, in words. */
export function defaultText({ default: value }: PlaybookVariable): string {
  if (value === undefined || value === null || value === '') return ''
  return Array.isArray(value) && value.length === 0
    ? ''
    : typeof value === 'string'
      ? value
      : JSON.stringify(value)
}
