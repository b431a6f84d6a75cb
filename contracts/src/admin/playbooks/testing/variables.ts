import type { PlaybookVariable } from '../schemas.ts'

/** Returns what a playbook says of a variable, for the specs of server and web: a text that may be left out. */
export const variableOf = (name: string, more: Partial<PlaybookVariable> = {}): PlaybookVariable => ({
  name,
  description: '',
  type: 'str',
  elements: null,
  isRequired: false,
  isSecret: false,
  choices: null,
  isDefaultGiven: false,
  ...more,
})
