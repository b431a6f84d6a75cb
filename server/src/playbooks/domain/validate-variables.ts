import type { FieldError } from '@rollcall/contracts'
import type { PlaybookVariable, VariableType } from '@rollcall/contracts/admin'

type Values = Readonly<Record<string, unknown>>

const MAX_FAULTS = 20
const BOOLEANS = ['true', 'false', 'yes', 'no', 'on', 'off', '1', '0', 'y', 'n', 't', 'f']

/**
 * Checks the values that were given. Returns at most twenty faults; none means that Ansible takes them. Pure. As Ansible
 * does, it takes "8080" for a whole number and "yes" for a truth value. The value of a secret is not repeated.
 */
export function validateVariables(variables: readonly PlaybookVariable[], values: Values): FieldError[] {
  const known = new Map(variables.map((variable) => [variable.name, variable]))
  const faults: FieldError[] = []
  const blame = (name: string, message: string) => faults.push({ field: `variables.${name}`, message })
  for (const [name, value] of Object.entries(values)) {
    const variable = known.get(name)
    if (!variable) {
      blame(name, `is not a variable of this playbook; it takes ${[...known.keys()].join(', ') || 'none'}`)
      continue
    }
    const fault = faultOf(variable, value)
    if (fault !== null) blame(name, fault)
  }
  for (const { name, isRequired, type } of variables)
    if (isRequired && !Object.hasOwn(values, name)) blame(name, `is missing: give a ${NAMES[type]}`)
  return faults.slice(0, MAX_FAULTS)
}

const NAMES: Record<VariableType, string> = {
  str: 'text',
  path: 'path',
  int: 'whole number',
  float: 'number',
  bool: 'truth value (true or false)',
  list: 'list',
  dict: 'mapping',
  raw: 'value',
}

function faultOf({ type, elements, choices, isSecret }: PlaybookVariable, value: unknown): string | null {
  const shown = isSecret ? 'what was given' : (JSON.stringify(value) ?? 'nothing').slice(0, 100)
  if (!fits(type, value)) return `must be a ${NAMES[type]}, and ${shown} is none`
  if (choices && !choices.some((choice) => isSame(choice, value)))
    return `must be one of ${choices.map((choice) => JSON.stringify(choice)).join(', ')}, and ${shown} is none of them`
  if (type !== 'list' || elements === null) return null
  const wrong = (value as unknown[]).findIndex((item) => !fits(elements, item))
  return wrong === -1
    ? null
    : `must be a list of which every item is a ${NAMES[elements]}; item ${wrong + 1} is none`
}

function fits(type: VariableType, value: unknown): boolean {
  switch (type) {
    case 'raw':
      return true
    case 'str':
    case 'path':
      return ['string', 'number'].includes(typeof value)
    case 'int':
      return typeof value === 'string' ? /^[+-]?\d{1,15}$/.test(value) : Number.isSafeInteger(value)
    case 'float':
      return typeof value === 'string' ? /^[+-]?\d+(\.\d+)?$/.test(value) : Number.isFinite(value)
    case 'bool':
      return typeof value === 'boolean' || BOOLEANS.includes(String(value).toLowerCase())
    case 'list':
      return Array.isArray(value)
    case 'dict':
      return typeof value === 'object' && value !== null && !Array.isArray(value)
  }
}

const isSame = (choice: unknown, value: unknown) =>
  typeof choice === 'object'
    ? JSON.stringify(choice) === JSON.stringify(value)
    : String(choice) === String(value)
