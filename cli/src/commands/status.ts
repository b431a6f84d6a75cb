import type { ClusterHealth } from '@rollcall/contracts/admin'
import { HOST_STATES } from '@rollcall/contracts/admin/hosts/schemas'
import { isTransient } from '@rollcall/contracts/client'
import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { jsonOption } from '../options/parsers.ts'
import { formatStateCounts } from '../output/format-host.ts'
import { jsonDocument } from '../output/json.ts'
import { fieldList } from '../output/table.ts'

const HELP = `
Exits with 0 if the server is ready, with 1 otherwise; the state of the hosts does not matter.
The fleet is healthy when every host is online, critical when fewer than half are, degraded in between.`

export function addCommands(program: Command, context: Context): void {
  program
    .command('status')
    .description('show whether the server is ready, and how many hosts are healthy')
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action((options: { json?: boolean }) => status(context, options))
}

async function status(context: Context, { json }: { json?: boolean }): Promise<void> {
  const { url } = await context.find()
  const { version } = await context.api.call('health')
  const ready = await context.api.call('ready')
  const fleet = await fleetHealth(context)
  context.exitCode = ready.status === 'ready' ? 0 : 1
  if (json) {
    context.stdout.write(jsonDocument({ url: url.href, version, ...ready, hosts: fleet && toCounts(fleet) }))
    return
  }
  context.stdout.write(
    fieldList([
      ['Server', `${url.href} (${version})`],
      ['State', ready.status === 'ready' ? 'ready' : 'not ready'],
      ['Database', ready.database],
      ['Queue', ready.queue],
      ...ready.warnings.map((warning): [string, string] => ['Warning', warning]),
      ['Fleet', fleet && formatFleet(fleet)],
      ['Hosts', fleet ? formatHosts(fleet) : 'cannot be counted while the database is down'],
    ]),
  )
}

/** Returns the health of the fleet; null while the server cannot know it. */
async function fleetHealth({ api }: Context): Promise<ClusterHealth | null> {
  try {
    return await api.call('clusterHealth')
  } catch (error) {
    if (isTransient(error)) return null
    throw error
  }
}

/** With every state, those included that no host is in: what a script asks for is always there. */
function toCounts({ states, ...counts }: ClusterHealth) {
  const byState = Object.fromEntries(HOST_STATES.map((state) => [state, states[state] ?? 0]))
  return { ...counts, byState }
}

const formatFleet = ({ health, percentage }: ClusterHealth) =>
  health === 'empty' ? health : `${health}, ${percentage} % of the hosts are healthy`

const formatHosts = ({ total, states }: ClusterHealth) =>
  total === 0 ? '0' : `${total} (${formatStateCounts(states)})`
