import { AGENTS } from './agents.ts'
import type { Attack } from './attack.ts'
import { IDENTITIES } from './identities.ts'
import { RECORDS } from './records.ts'
import { RIGHTS } from './rights.ts'
import { SCOPES } from './scopes.ts'
import { SERVICES } from './services.ts'
import { STRANGERS } from './strangers.ts'
import { WORK } from './work.ts'

const BY_CALLERS = [...IDENTITIES, ...SCOPES, ...SERVICES, ...RIGHTS, ...WORK, ...AGENTS, ...RECORDS]

/** Every attack, in the order in which its result is asked for. */
export const ATTACKS: readonly Attack[] = [
  ...BY_CALLERS.filter(({ isPatient }) => !isPatient),
  ...BY_CALLERS.filter(({ isPatient }) => isPatient),
  // Last: these leave the addresses of this machine refused for a while.
  ...STRANGERS,
]
