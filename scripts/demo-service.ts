/** A small service on the hosts of the demo. */
import { fileURLToPath } from 'node:url'
import { makeImageArchive } from '../test/bed/image-archive.ts'
import type { Host } from '../test/bed/index.ts'
import { poll } from '../test/bed/poll.ts'

export const SERVICE_FILE = 'scripts/demo/compose.yml'
const PERL = '/usr/bin/perl'
const IMAGE = { name: 'localhost/perl:demo', programs: [PERL], command: [PERL, '-v'] }

/** How long new hosts may take to say what they have, in milliseconds. */
const REPORTED_WITHIN_MS = 60_000

type Rollcall = (
  args: string[],
  stdio?: 'inherit' | 'pipe',
) => Promise<{ exitCode?: number | undefined; stdout?: unknown }>

/**
 * Brings an image to the server and applies the demo's service file. What a former demo has left is taken as it is: the image is not made
 * again, and slots whose hosts are gone are placed on the new ones. Returns whether the service is healthy.
 */
export async function runService(host: Host, rollcall: Rollcall): Promise<boolean> {
  const { exitCode: known } = await rollcall(['image', 'show', IMAGE.name], 'pipe')
  if (known !== 0) {
    const archive = await makeImageArchive(host, IMAGE)
    const { exitCode } = await rollcall(['image', 'add', archive])
    if (exitCode !== 0) return false
  }
  const file = fileURLToPath(new URL(`../${SERVICE_FILE}`, import.meta.url))
  await poll(() => isPlaceable(file, rollcall), {
    timeoutMs: REPORTED_WITHIN_MS,
    everyMs: 500,
    what: 'room for the service on the hosts',
    // Applying it says why there is none.
  }).catch((error: Error) => console.error(`  ${error.message}`))
  const { exitCode } = await rollcall(['service', 'apply', file, '--wait'])
  return exitCode === 0
}

/** Tells whether every slot has a host: new hosts say with their first heartbeats what they have. A refused file counts, since applying it says why. */
async function isPlaceable(file: string, rollcall: Rollcall): Promise<boolean> {
  const { exitCode, stdout } = await rollcall(['service', 'plan', file, '--json'], 'pipe')
  if (exitCode !== 0) return true
  const { plan } = JSON.parse(String(stdout)) as {
    plan: { services: { placements: { host: string | null }[] }[] }
  }
  return plan.services.every(({ placements }) => placements.every(({ host }) => host !== null))
}
