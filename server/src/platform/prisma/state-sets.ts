import { COMMAND_STATE, HOST_STATE } from '@rollcall/contracts/admin'

/** Renders states as the members of an SQL `IN (…)`. */
const toSql = (states: readonly string[]): string => states.map((state) => `'${state}'`).join(', ')

// Derived from the contract's tables, so that a new state is included automatically.
export const OPEN_COMMANDS = toSql(COMMAND_STATE.except('isOver'))
export const FAILED_COMMANDS = toSql(COMMAND_STATE.that('isFailure'))
export const BUSY_HOSTS = toSql(HOST_STATE.that('isBusy'))
export const ANSWERING_HOSTS = toSql(HOST_STATE.that('isAnswering'))
