import type { FieldError } from '@rollcall/contracts'
import type { PlaybookView } from '@rollcall/contracts/admin'
import { withGivenDefaults } from './argument-specs.ts'
import { withTemplates } from './templates.ts'
import { validateVariables } from './validate-variables.ts'

/** A playbook that lays something out and takes it away again, by a variable with the choices `present` and `absent`. */
export interface ManagedPlaybook {
  name: string
  /** Its file, in the folder of its collection. */
  file: string
  /** Null for one that comes with the server. */
  collection: { name: string; version: string } | null
  stateVariable: string
  /** As Ansible gets them, but for that of the state. */
  variables: Record<string, unknown>
  /** Names of variables whose values are shown to nobody. */
  secretVariables: string[]
}

/** A playbook that can be managed, or why it cannot: of `playbook`, or of `variables.NAME`. */
export type ManagedOrFaults = { playbook: ManagedPlaybook } | { faults: FieldError[] }

const STATES = ['present', 'absent']

/** Checks a playbook and the values that it is given, for runs that make it present and absent. Pure. */
export function toManagedPlaybook(
  { name, version, variables: specs }: PlaybookView,
  given: Readonly<Record<string, unknown>>,
): ManagedOrFaults {
  const [stateVariable, second] = specs
    .filter(
      ({ name, choices }) => name.endsWith('_state') && STATES.every((state) => choices?.includes(state)),
    )
    .map((variable) => variable.name)
  if (stateVariable === undefined)
    return refuse(
      'has no variable NAME_state with the choices present and absent, so what it makes could not be removed again',
    )
  if (second !== undefined)
    return refuse(`has several variables of a state (${stateVariable}, ${second}), and must have one`)
  if (Object.hasOwn(given, stateVariable))
    return {
      faults: [
        {
          field: `variables.${stateVariable}`,
          message: 'is set by Rollcall: present, and absent when the service goes',
        },
      ],
    }
  const present = { ...given, [stateVariable]: 'present' }
  const faults = validateVariables(specs, present)
  if (faults.length > 0) return { faults }
  const { [stateVariable]: _, ...variables } = withTemplates(
    specs,
    withGivenDefaults(specs, present),
    present,
  )
  return {
    playbook: {
      name,
      ...toFile(name, version),
      stateVariable,
      variables,
      secretVariables: specs.filter(({ isSecret }) => isSecret).map((variable) => variable.name),
    },
  }
}

function toFile(name: string, version: string | null): Pick<ManagedPlaybook, 'file' | 'collection'> {
  const [collection = '', own] = name.split('/')
  if (own === undefined || version === null) return { file: `${name}.yml`, collection: null }
  return { file: `${own}.yml`, collection: { name: collection, version } }
}

const refuse = (message: string): ManagedOrFaults => ({ faults: [{ field: 'playbook', message }] })
