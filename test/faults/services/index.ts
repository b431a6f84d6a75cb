import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeImageArchive } from '../../bed/image-archive.ts'
import type { Host } from '../../bed/index.ts'
import { Fleet } from '../../fleet/fleet.ts'
import { LEDGER } from './container-program.ts'
import { IMAGE } from './desired-fleet.ts'
import { gatherEvidence } from './evidence.ts'
import { runServicesChaos } from './run-services.ts'

const MIN_HOSTS = 3
const INSTANCES_PER_HOST = 20
const LINES_TOLD = 100

/** Runs the chaos of services on hosts of its own. Returns whether nothing was wrong; what was is printed, with the seed to repeat it. */
export async function services(plan: { seed: number; count: number; kills: number }): Promise<boolean> {
  const { seed, count, kills } = plan
  await using opened = new AsyncDisposableStack()
  const ledger = await mkdtemp(join(tmpdir(), 'rollcall-ledger-'))
  opened.defer(() => rm(ledger, { recursive: true }))
  const requests = Array.from(
    { length: Math.max(MIN_HOSTS, Math.ceil(count / INSTANCES_PER_HOST)) },
    (_, at) => ({
      name: `app-${at + 1}`,
      flavour: 'podman' as const,
      folders: { [LEDGER]: ledger },
    }),
  )
  const fleet = opened.use(await Fleet.open('chaos', requests))
  const archive = await makeImageArchive(fleet.hosts[0] as Host, {
    name: IMAGE,
    programs: ['/bin/sh', '/usr/bin/perl'],
    command: ['/bin/sh'],
  })
  const added = await fleet.server.cli('image', 'add', archive)
  if (added.code !== 0) throw new Error(`the image was not added: ${added.stderr}`)
  const result = await runServicesChaos(
    fleet,
    ledger,
    { seed, instances: count, strikes: kills },
    console.log,
  )
  console.log(JSON.stringify({ seed, hosts: requests.length, ...result }))
  if (result.violations.length === 0) return true
  for (const { kind, text } of result.violations) console.error(`${kind}: ${text}`)
  console.error(await gatherEvidence(fleet, result.violations))
  console.error(fleet.server.lines.slice(-LINES_TOLD).join('\n'))
  console.error(`to repeat: npm run chaos -- services --seed ${seed} --count ${count} --kills ${kills}`)
  return false
}
