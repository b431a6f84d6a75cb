import type { AgentView, HostState, HostView } from '@rollcall/contracts/admin'
import { HOST_STATES } from '@rollcall/contracts/admin/hosts/schemas'
import { Option } from 'commander'
import { allAgents } from '../../api/agents.ts'
import type { Context } from '../../context.ts'
import { collectPairs, jsonOption } from '../../options/parsers.ts'
import type { AskingCommand } from '../../output/answers.ts'
import { formatLabels, shorten } from '../../output/format-command.ts'
import { formatAddress, formatClockOffset, formatState } from '../../output/format-host.ts'
import { formatPercent, formatRoughAge, formatRoughDuration, markStale } from '../../output/format-measure.ts'
import { jsonDocument } from '../../output/json.ts'
import { table } from '../../output/table.ts'

interface Options {
  state?: HostState
  label?: Record<string, string>
  wide?: boolean
  json?: boolean
}

/** Keeps the table within 100 columns if names are short. */
const SHORT_LABELS = 24

const HELP = `
SINCE is how long the host has been in its state, ANSWERED how long ago its agent last answered, DISK the fullest disk.
Values in parentheses are stale: the host does not answer, and they are as old as ANSWERED says.

Examples:
  rollcall host list --state offline
  rollcall host list --label env=prod --label rack=b4 --wide`

export function addHostListCommand(host: AskingCommand, context: Context): void {
  host
    .command('list')
    .description('list hosts by name with their state')
    .addOption(new Option('--state <state>', 'only hosts in this state').choices(HOST_STATES))
    .option('--label <key=value>', 'only hosts with this label; may be given again', collectPairs)
    .option('--wide', 'show all columns')
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action((options: Options) => list(context, options))
}

/** An agent with its host; null if the columns do not need it. */
interface Row {
  agent: AgentView
  host: HostView | null
}

async function list({ api, stdout }: Context, { state, label = {}, wide, json }: Options): Promise<void> {
  const wanted = Object.entries(label)
  const agents = (await allAgents(api, state)).filter(({ labels }) =>
    wanted.every(([key, value]) => Object.hasOwn(labels, key) && labels[key] === value),
  )
  const rows = json || wide ? withHosts(agents, (await api.call('listHosts')).hosts) : agents.map(alone)
  if (json) stdout.write(jsonDocument({ hosts: rows.map(toJson) }))
  else if (rows.length > 0) stdout.write(toTable(rows, wide ? WIDE_COLUMNS : COLUMNS))
  else if (state !== undefined || wanted.length > 0) stdout.write('No host matches.\n')
  else stdout.write('There are no hosts yet. "rollcall host add --help" shows how to add one.\n')
}

const alone = (agent: AgentView): Row => ({ agent, host: null })

/** Joins agents and hosts. A host that came or went between the two requests is left out. */
function withHosts(agents: readonly AgentView[], hosts: readonly HostView[]): Row[] {
  const byId = new Map(hosts.map((host) => [host.id, host]))
  return agents.flatMap((agent) => {
    const host = byId.get(agent.hostId)
    return host ? [{ agent, host }] : []
  })
}

/** Merges a host, as `host show` prints it, with the values of its agent. */
function toJson({ agent: { hostId: _id, host: _name, version: _version, ...roll }, host }: Row) {
  return { ...host, ...roll }
}

type Column = readonly [header: string, cell: (row: Row) => string]

const toTable = (rows: readonly Row[], columns: readonly Column[]) =>
  table(
    columns.map(([header]) => header),
    rows.map((row) => columns.map(([, cell]) => cell(row))),
  )

/** Formats a value that the host reports: in parentheses if it is stale. */
function reported(cell: (agent: AgentView) => string): Column[1] {
  return ({ agent }) => markStale(agent.areValuesStale, cell(agent))
}

const NAME: Column = ['NAME', ({ agent }) => agent.host]
const STATE: readonly Column[] = [
  ['STATE', ({ agent }) => formatState(agent)],
  ['SINCE', ({ agent }) => formatRoughAge(agent.stateSince)],
  [
    'ANSWERED',
    ({ agent }) => (agent.lastAnswerAt === null ? 'never' : `${formatRoughAge(agent.lastAnswerAt)} ago`),
  ],
]
const USE: readonly Column[] = [
  ['CPU', reported((agent) => formatPercent(agent.cpuPercent))],
  ['MEMORY', reported((agent) => formatPercent(agent.memoryPercent))],
  ['DISK', reported((agent) => formatPercent(agent.diskPercent))],
]
const VERSION: Column = ['AGENT', ({ agent }) => agent.version ?? '-']

const COLUMNS: readonly Column[] = [
  NAME,
  ...STATE,
  ...USE,
  VERSION,
  ['LABELS', ({ agent }) => shorten(formatLabels(agent.labels), SHORT_LABELS)],
]

const WIDE_COLUMNS: readonly Column[] = [
  NAME,
  ['ADDRESS', ({ host }) => (host ? formatAddress(host) : '-')],
  ...STATE,
  ...USE,
  ['LOAD', reported((agent) => agent.load?.toFixed(2) ?? '-')],
  ['UPTIME', reported((agent) => (agent.uptimeS === null ? '-' : formatRoughDuration(agent.uptimeS * 1000)))],
  ['COMMANDS', reported((agent) => agent.runningCommands?.toString() ?? '-')],
  ['TRIP', reported((agent) => (agent.roundTripMs === null ? '-' : `${Math.round(agent.roundTripMs)} ms`))],
  [
    'CLOCK',
    reported((agent) => (agent.clockOffsetMs === null ? '-' : formatClockOffset(agent.clockOffsetMs))),
  ],
  VERSION,
  ['LABELS', ({ agent }) => formatLabels(agent.labels)],
  ['REASON', ({ agent }) => agent.stateReason ?? ''],
]
