import type { PlaybookVariable } from '@rollcall/contracts/admin'

/** The variable that names the variables whose text is a template. Ansible never sees it, and users cannot set it. */
const TEMPLATES = 'rollcall_templates'

type Values = Record<string, unknown>

/**
 * Names the values that may be templates: those whose specs say so, and defaults, which the playbook's author wrote. Text in all
 * others, which the user has `given`, is data.
 */
export function withTemplates(
  specs: readonly PlaybookVariable[],
  values: Values,
  given: Readonly<Values>,
): Values {
  const { [TEMPLATES]: _never, ...own } = values
  const templates = specs.filter(
    ({ name, isTemplate }) => Object.hasOwn(own, name) && (isTemplate || !Object.hasOwn(given, name)),
  )
  return templates.length === 0 ? own : { ...own, [TEMPLATES]: templates.map(({ name }) => name) }
}

/** Lists the variables that were given. */
export const namesOf = (values: Readonly<Values>): string[] =>
  Object.keys(values).filter((name) => name !== TEMPLATES)
