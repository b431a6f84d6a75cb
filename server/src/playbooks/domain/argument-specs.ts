import type { PlaybookVariable, VariableType } from '@rollcall/contracts/admin'

const TYPES: readonly string[] = ['str', 'int', 'float', 'bool', 'list', 'dict', 'path', 'raw']

/** The specs of a role's entry point `main` in `meta/argument_specs.yml`, as far as forms and checks need them. */
export interface RoleSpecs {
  title: string
  description: string
  variables: PlaybookVariable[]
}

/**
 * Decides what holds where a variable is not given: what `defaults/main.yml` of the role says, which Ansible applies, or else
 * the default of the specs, which it does not and the server gives. Pure.
 */
export function withRoleDefaults(specs: RoleSpecs, defaults: Readonly<Record<string, unknown>>): RoleSpecs {
  const variables = specs.variables.map((variable): PlaybookVariable => {
    const { name } = variable
    if (Object.hasOwn(defaults, name))
      return { ...variable, default: defaults[name] as PlaybookVariable['default'], isDefaultGiven: false }
    if (variable.default === undefined || variable.default === null) return variable
    return { ...variable, isDefaultGiven: true }
  })
  return { ...specs, variables }
}

/** Adds to what was given the defaults that Ansible would not apply. Pure. */
export function withGivenDefaults(
  variables: readonly PlaybookVariable[],
  given: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const missing = variables.filter(
    ({ name, isDefaultGiven }) => isDefaultGiven && !Object.hasOwn(given, name),
  )
  return { ...Object.fromEntries(missing.map((variable) => [variable.name, variable.default])), ...given }
}

/** A fault in the specs, with its place. */
export class SpecFault extends Error {
  constructor(
    message: string,
    readonly path: readonly string[],
  ) {
    super(message)
  }
}

const MAIN = ['argument_specs', 'main', 'options']

/**
 * Reads parsed YAML. Pure. Throws `SpecFault` that names the field, for a file that Ansible would not take either. An option
 * without a type is a string, as Ansible has it.
 */
export function readArgumentSpecs(document: unknown): RoleSpecs {
  const specs = asObject(
    asObject(document, 'the file', []).argument_specs,
    'argument_specs',
    MAIN.slice(0, 1),
  )
  const main = asObject(specs.main, 'main', MAIN.slice(0, 2))
  const options =
    main.options === undefined ? {} : asObject(main.options, 'argument_specs.main.options', MAIN)
  return {
    title: toText(main.short_description),
    description: toText(main.description),
    variables: Object.entries(options).map(([name, option]) =>
      readOption(name, asObject(option, name, [...MAIN, name])),
    ),
  }
}

function readOption(name: string, option: Record<string, unknown>): PlaybookVariable {
  return {
    name,
    description: toText(option.description),
    type: typeOf(option.type ?? 'str', name, 'type'),
    elements: option.elements === undefined ? null : typeOf(option.elements, name, 'elements'),
    isRequired: option.required === true,
    isSecret: option.no_log === true,
    ...(option.rollcall_template === true && { isTemplate: true as const }),
    choices: Array.isArray(option.choices) ? (option.choices as PlaybookVariable['choices']) : null,
    isDefaultGiven: false,
    ...(option.default !== undefined && { default: option.default as PlaybookVariable['default'] }),
  }
}

function typeOf(type: unknown, name: string, key: string): VariableType {
  if (typeof type === 'string' && TYPES.includes(type)) return type as VariableType
  throw new SpecFault(`${name}.${key} is ${JSON.stringify(type)}; it must be one of ${TYPES.join(', ')}`, [
    ...MAIN,
    name,
    key,
  ])
}

const toText = (value: unknown): string =>
  Array.isArray(value) ? value.map(String).join(' ') : value === undefined ? '' : String(value)

function asObject(value: unknown, where: string, path: readonly string[]): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>
  throw new SpecFault(`${where} must be a mapping`, path)
}
