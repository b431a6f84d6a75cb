import type { ClusterHealth } from '@rollcall/contracts/admin'
import { HOST_STATES } from '@rollcall/contracts/admin/hosts/schemas'
import { isTransient } from '@rollcall/contracts/client'
import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { jsonOption } from '../options.ts'
import { stateCounts } from '../output/host-words.ts'
import { jsonDocument } from '../output/json.ts'
import { fieldList } from '../output/table.ts'

const HELP = `
Exits with 0 when the server is ready, with 1 otherwise, whatever the hosts are like.
The fleet is healthy when every host answers and is well, critical when fewer than half do, degraded in between.`

export function addStatusCommand(program: Command, context: Context): void {
  program
    .command('status')
    .description('whether the server can work, and how many hosts are well')
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
    context.stdout.write(jsonDocument({ url: url.href, version, ...ready, hosts: fleet && countsOf(fleet) }))
    return
  }
  context.stdout.write(
    fieldList([
      ['Server', `${url.href} (${version})`],
      ['State', ready.status === 'ready' ? 'ready' : 'not ready'],
      ['Database', ready.database],
      ['Queue', ready.queue],
      ...ready.warnings.map((warning): [string, string] => ['Warning', warning]),
      ['Fleet', fleet && fleetWords(fleet)],
      ['Hosts', fleet ? hostsWords(fleet) : 'cannot be counted while the database is away'],
    ]),
  )
}

/** Null while the server cannot tell. */
async function fleetHealth({ api }: Context): Promise<ClusterHealth | null> {
  try {
    return await api.call('clusterHealth')
  } catch (error) {
    if (isTransient(error)) return null
    throw error
  }
}

/** With every state, those included that no host is in: what a script asks for is always there. */
function countsOf({ states, ...counts }: ClusterHealth) {
  const byState = Object.fromEntries(HOST_STATES.map((state) => [state, states[state] ?? 0]))
  return { ...counts, byState }
}

const fleetWords = ({ health, percentage }: ClusterHealth) =>
  health === 'empty' ? health : `${health}, ${percentage} % of the hosts are well`

const hostsWords = ({ total, states }: ClusterHealth) =>
  total === 0 ? '0' : `${total} (${stateCounts(states)})`
