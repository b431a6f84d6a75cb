import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { HostRequest } from '../bed/index.ts'

/** The folder for what tests on hosts share during one run of vitest. Undefined outside of such a run: benchmarks share nothing. */
export const shared: string | undefined = process.env.ROLLCALL_TEST_SHARED

/**
 * Has hosts begin with the release and the tools of this build already laid out, for tests whose subject is not the installation: it
 * then writes nothing but what is the host's own. Returns the requests as they are outside of a run of tests.
 */
export function prepared(requests: readonly HostRequest[]): HostRequest[] {
  const layer = shared && join(shared, 'host')
  const layers = layer && existsSync(layer) ? [layer] : []
  return requests.map((request) => ({ ...request, layers }))
}
