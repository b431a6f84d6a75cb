import type { PlaybookVariable, VariableType } from '@rollcall/contracts/admin'

const TYPES: readonly string[] = ['str', 'int', 'float', 'bool', 'list', 'dict', 'path', 'raw']

/** What `meta/argument_specs.yml` of a role says of its entry point `main`, as far as forms and checks need it. */
export interface RoleSpecs {
  title: string
  description: string
  variables: PlaybookVariable[]
}

/**
 * Reads parsed YAML. Pure. Throws `Error` that names the field, for a file that Ansible would not take either. An option
 * without a type is a string, as Ansible has it.
 */
export function readArgumentSpecs(document: unknown): RoleSpecs {
  const main = field(field(document, 'argument_specs'), 'main')
  const options = main.options === undefined ? {} : asObject(main.options, 'argument_specs.main.options')
  return {
    title: textOf(main.short_description),
    description: textOf(main.description),
    variables: Object.entries(options).map(([name, option]) => readOption(name, asObject(option, name))),
  }
}

function readOption(name: string, option: Record<string, unknown>): PlaybookVariable {
  return {
    name,
    description: textOf(option.description),
    type: typeOf(option.type ?? 'str', `${name}.type`),
    elements: option.elements === undefined ? null : typeOf(option.elements, `${name}.elements`),
    isRequired: option.required === true,
    isSecret: option.no_log === true,
    choices: Array.isArray(option.choices) ? (option.choices as PlaybookVariable['choices']) : null,
    ...(option.default !== undefined && { default: option.default as PlaybookVariable['default'] }),
  }
}

function typeOf(type: unknown, where: string): VariableType {
  if (typeof type === 'string' && TYPES.includes(type)) return type as VariableType
  throw new Error(`${where} is ${JSON.stringify(type)}; it must be one of ${TYPES.join(', ')}`)
}

const textOf = (value: unknown): string =>
  Array.isArray(value) ? value.map(String).join(' ') : value === undefined ? '' : String(value)

const field = (value: unknown, name: string) => asObject(asObject(value, 'the file')[name], name)

function asObject(value: unknown, where: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>
  throw new Error(`${where} must be a mapping`)
}
