/** Their promises are of seconds: a busy machine makes them late, so they run when all others have ended. They mostly wait. */
export const BY_THE_CLOCK = [
  'test/e2e/roll-call.spec.ts',
  'test/e2e/two-servers.spec.ts',
  'test/faults/hostile-agents.spec.ts',
]

/** How the specs of units run; vitest demands the same of all projects that run side by side. */
export const UNITS = { isolate: false, maxWorkers: 3 }

/** Tests that start no program: those in `agent/test` and `cli/test` start the built agent and the built command line. */
export const UNIT_FOLDERS = [
  'agent/src',
  'cli/src',
  'compose/src',
  'contracts/src',
  'inventory/src',
  'scripts',
  'server/src',
  'web/src',
]

/** The stages that vitest runs one after the other (`groupOrder` in vitest.config.ts). */
export const GROUPS = ['units', 'database', 'hosts', 'clock']

/** Finds the stage of a test file by its path from the root. Returns one of `GROUPS`. */
export function toGroup(path) {
  if (BY_THE_CLOCK.includes(path)) return 'clock'
  if (path.startsWith('test/')) return 'hosts'
  return path.endsWith('.db.spec.ts') ? 'database' : 'units'
}
