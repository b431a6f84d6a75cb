import type { ClusterHealth } from '@rollcall/contracts/admin'
import { HOST_STATES } from '@rollcall/contracts/admin/hosts/schemas'
import { isTransient } from '@rollcall/contracts/client'
import type { Context } from '../context.ts'
import type { AskingCommand } from '../output/answers.ts'
import { formatStateCounts } from '../output/format-host.ts'
import { fieldList } from '../output/table.ts'

const HELP = `
Exits with 0 if the server is ready, with 1 otherwise; the state of the hosts does not matter.
The fleet is healthy when every host is online, critical when fewer than half are, degraded in between.`

export function addCommands(program: AskingCommand, context: Context): void {
  program
    .command('status')
    .description('show whether the server is ready, and how many hosts are healthy')
    .addHelpText('after', HELP)
    .printsAnswer(() => readStatus(context), describe)
}

async function readStatus(context: Context) {
  const { url } = await context.find()
  const { version } = await context.api.call('health')
  const ready = await context.api.call('ready')
  const fleet = await fleetHealth(context)
  context.exitCode = ready.status === 'ready' ? 0 : 1
  return { url: url.href, version, ...ready, hosts: fleet && toCounts(fleet) }
}

const describe = ({ url, version, status, database, queue, warnings, hosts }: Status) =>
  fieldList([
    ['Server', `${url} (${version})`],
    ['State', status === 'ready' ? 'ready' : 'not ready'],
    ['Database', database],
    ['Queue', queue],
    ...warnings.map((warning): [string, string] => ['Warning', warning]),
    ['Fleet', hosts && formatFleet(hosts)],
    ['Hosts', hosts ? formatHosts(hosts) : 'cannot be counted while the database is down'],
  ])

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

type Status = Awaited<ReturnType<typeof readStatus>>
type Counts = ReturnType<typeof toCounts>

const formatFleet = ({ health, percentage }: Counts) =>
  health === 'empty' ? health : `${health}, ${percentage} % of the hosts are healthy`

const formatHosts = ({ total, byState }: Counts) =>
  total === 0 ? '0' : `${total} (${formatStateCounts(byState)})`
