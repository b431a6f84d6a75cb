import { rm } from 'node:fs/promises'
import type { TestProject } from 'vitest/node'

/** Names the folder for what tests on hosts share during one run; `vitest.config.ts` sets it. */
const VARIABLE = 'ROLLCALL_TEST_SHARED'

/** Returns the folder that tests on hosts share, and what removes it. It need not exist yet, and another project of the run may fill it. */
export function sharedFolder({ config }: TestProject): { folder: string; remove: () => Promise<void> } {
  const folder = config.env[VARIABLE]
  if (typeof folder !== 'string') throw new Error(`vitest.config.ts sets no ${VARIABLE}`)
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) }
}
