import type { HostChanged } from '@rollcall/contracts/admin'
import { InvalidArgumentError } from 'commander'
import type { Context } from '../../context.ts'
import { UsageError } from '../../errors.ts'
import { reportStarted, WAIT_HELP } from '../../live/provisioning.ts'
import { collectNames, collectPairs, hasValues, jsonOption } from '../../options/parsers.ts'
import { addReachOptions, type ReachOptions, readReach } from '../../options/reach-options.ts'
import { renameFields, toLabelOption, toOption } from '../../options/rename-fields.ts'
import type { AskingCommand } from '../../output/answers.ts'
import { formatLabels } from '../../output/format-command.ts'
import { formatAddress, formatPort } from '../../output/format-host.ts'
import { jsonDocument } from '../../output/json.ts'
import { fieldList } from '../../output/table.ts'

interface Options extends ReachOptions {
  label?: Record<string, string>
  removeLabel?: string[]
  /** False for --no-profile. */
  profile?: string | false
  autoReinstall?: boolean
  wait?: boolean
  json?: boolean
}

const HELP = `
What is not given stays unchanged; the host keeps its identity and history. A new address or credential is tested first, and if
that fails nothing is changed; --no-check skips the test. Secrets are never taken from the command line.

--agent-port moves the agent: it is reinstalled over SSH to listen there, and stays where it was if that fails.
${WAIT_HELP}

If two people change a host at the same moment, the second change is refused.

Examples:
  rollcall host set web-1 --label env=prod --label rack=b4 --remove-label old
  rollcall host set db-1 --profile ha --auto-reinstall off
  rollcall host set web-1 --address 192.0.2.11 --port 2222
  rollcall host set web-1 --user ops --key ~/.ssh/id_ed25519 --sudo-password-file sudo.txt
  rollcall host set web-1 --host-key SHA256:…      after a reinstallation; then: rollcall host install web-1
  rollcall host set web-1 --agent-port 7000-7100 --wait`

export function addHostSetCommand(host: AskingCommand, context: Context): void {
  const command = host
    .command('set <name>')
    .description('change how a host is reached, its labels, heartbeat profile or automatic reinstallation')
    .option('--label <key=value>', 'add or change a label; may be given again', collectPairs)
    .option('--remove-label <key>', 'remove a label; may be given again', collectNames)
    .option('--profile <name>', 'use this heartbeat profile, whatever its labels')
    .option('--no-profile', 'choose the heartbeat profile by its labels')
    .option('--auto-reinstall <on|off>', 'reinstall a silent agent automatically while SSH works', onOrOff)
    .option('--wait', 'show the move of the agent until it has ended')
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action((name: string, options: Options) => set(context, name, options))
  addReachOptions(command)
}

function onOrOff(text: string): boolean {
  if (text === 'on' || text === 'off') return text === 'on'
  throw new InvalidArgumentError('It must be on or off.')
}

async function set(context: Context, name: string, options: Options): Promise<void> {
  const { label: added = {}, removeLabel: removed = [], profile, autoReinstall } = options
  const both = removed.find((key) => Object.hasOwn(added, key))
  if (both !== undefined)
    throw new UsageError(`The label ${both} is both in --label and in --remove-label: give one of them.`)
  const hasLabels = Object.keys(added).length + removed.length > 0
  const reach = await readReach(context, name, options)
  const body = {
    ...(hasLabels && (await changedLabels(context, name, added, removed))),
    heartbeatProfile: profile === false ? null : profile,
    autoReinstall,
    ...reach,
  }
  if (!hasValues({ ...body, skipCheck: undefined }))
    throw new UsageError('Say what to change; see "rollcall host set --help".')
  const answer = await renameFields(
    ({ field, message }) => ({ field: TERMS[field] ?? toFieldOption(field), message }),
    context.api.call('changeHost', { params: { host: name }, body }),
  )
  await report(context, answer, options)
}

/** The options of the fields of the request that are named otherwise. */
const TERMS: Readonly<Record<string, string>> = {
  heartbeatProfile: '--profile',
  agentPorts: '--agent-port',
  sudoPassword: '--sudo-password-file',
  credential: '--password-stdin or --key',
  'credential.password': '--password-stdin',
  'credential.privateKey': '--key',
  'credential.passphrase': '--passphrase-file',
  'credential.certificate': '--certificate',
}

const toFieldOption = (field: string) => (field.startsWith('labels') ? toLabelOption(field) : toOption(field))

async function report(context: Context, answer: HostChanged, options: Options): Promise<void> {
  const { host, commandId, isAgentAnswering } = answer
  if (!options.json) context.stdout.write(describe(answer))
  if (isAgentAnswering === false)
    context.notice(
      `SSH works, but the agent does not answer at ${formatAddress({ ...host, port: host.agent?.port ?? 0 })}. Install it there with: rollcall host install ${host.name}`,
    )
  if (commandId !== null) {
    const moved = { ...answer, commandId }
    return reportStarted(context, options, { kind: 'move of the agent', host: host.name, answer: moved })
  }
  if (options.json) context.stdout.write(jsonDocument(answer))
}

/** Returns all labels that the host is to have, and those it has now: the server refuses the change if they differ. */
async function changedLabels(
  { api, notice }: Context,
  name: string,
  added: Readonly<Record<string, string>>,
  removed: readonly string[],
): Promise<{ labels: Record<string, string>; ifLabels: Record<string, string> }> {
  const { host } = await api.call('showHost', { params: { host: name } })
  for (const key of removed)
    if (!Object.hasOwn(host.labels, key)) notice(`${host.name} has no label ${key} to remove`)
  const kept = Object.entries(host.labels).filter(([key]) => !removed.includes(key))
  return { labels: { ...Object.fromEntries(kept), ...added }, ifLabels: host.labels }
}

const describe = ({ host }: HostChanged) =>
  fieldList([
    ['Host', host.name],
    ['Address', formatAddress(host)],
    ['User', host.user],
    ['SSH host key', host.hostKey ?? 'not seen yet'],
    ['Agent port', host.agent && formatPort(host.agent)],
    ['Labels', formatLabels(host.labels)],
    ['Profile', host.heartbeatProfile ?? 'chosen by its labels'],
    ['Auto-reinstall', host.autoReinstall ? 'on' : 'off'],
  ])
