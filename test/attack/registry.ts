import { AGENTS } from './agents.ts'
import type { Attack } from './attack.ts'
import { IDENTITIES } from './identities.ts'
import { RECORDS } from './records.ts'
import { RIGHTS } from './rights.ts'
import { SCOPES } from './scopes.ts'
import { STRANGERS } from './strangers.ts'
import { WORK } from './work.ts'

/** Every attack, in the order in which they are tried. */
export const ATTACKS: readonly Attack[] = [
  ...IDENTITIES,
  ...SCOPES,
  ...RIGHTS,
  ...WORK,
  ...AGENTS,
  ...RECORDS,
  // Last: these leave the addresses of this machine refused for a while.
  ...STRANGERS,
]
