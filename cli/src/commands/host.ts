import type { HostShown } from '@rollcall/contracts/admin'
import type { Context } from '../context.ts'
import { DUPLICATE_HELP, reportStarted, TAKE_OVER_HELP, WAIT_HELP } from '../live/provisioning.ts'
import { jsonOption } from '../options/parsers.ts'
import type { AskingCommand } from '../output/answers.ts'
import { formatAge, formatLabels } from '../output/format-command.ts'
import { formatAddress, formatPort, formatReason } from '../output/format-host.ts'
import { jsonDocument } from '../output/json.ts'
import { fieldList } from '../output/table.ts'
import { addHostAddCommand } from './host/add.ts'
import { addHostHistoryCommand } from './host/history.ts'
import { addHostImportCommand } from './host/import.ts'
import { addHostListCommand } from './host/list.ts'
import { addHostSamplesCommand } from './host/samples.ts'
import { addHostSetCommand } from './host/set.ts'
import { addHostStatusCommand } from './host/status.ts'

interface Options {
  takeOver?: boolean
  allowDuplicate?: boolean
  json?: boolean
  wait?: boolean
  forget?: boolean
}

export function addCommands(program: AskingCommand, context: Context): void {
  const { api } = context
  const host = program.command('host').description('add, list, show, change and remove hosts')
  addHostAddCommand(host, context)
  addHostImportCommand(host, context)
  addHostListCommand(host, context)
  host
    .command('show <name>')
    .description('show a host, by name or id')
    .printsAnswer((name: string) => api.call('showHost', { params: { host: name } }), describe)
  addHostStatusCommand(host, context)
  addHostHistoryCommand(host, context)
  addHostSamplesCommand(host, context)
  addHostSetCommand(host, context)
  host
    .command('install <name>')
    .description('reinstall the agent with the same identity; a healthy agent is left alone')
    .option('--allow-duplicate', DUPLICATE_HELP)
    .option('--take-over', TAKE_OVER_HELP)
    .option('--wait', 'show the installation until it has ended')
    .addOption(jsonOption())
    .addHelpText('after', `\n${WAIT_HELP}`)
    .action((name: string, options: Options) => install(context, name, options))
  host
    .command('remove <name>')
    .description('uninstall the agent completely and remove the host')
    .option('--forget', 'only remove it here, without connecting to it: what is installed there stays')
    .option('--wait', 'show the removal until it has ended')
    .addOption(jsonOption())
    .addHelpText('after', `\n${WAIT_HELP}`)
    .action((name: string, options: Options) => remove(context, name, options))
}

function describe({ host, serverPin, sameMachineAs }: HostShown): string {
  const { agent } = host
  const age = (moment: string | null | undefined) => moment && `${formatAge(moment)} ago`
  return fieldList([
    ['Name', host.name],
    ['Id', host.id],
    ['Address', formatAddress(host)],
    ['User', host.user],
    ['State', `${host.state}, for ${formatAge(host.stateSince)}`],
    ['Reason', formatReason(host.stateReason, host.stateCode)],
    ['Labels', formatLabels(host.labels)],
    ['SSH host key', host.hostKey ?? 'not seen yet'],
    ['Same machine as', sameMachineAs && (sameMachineAs.name ?? 'another host, which you may not see')],
    ['Agent', agent && formatAgent(agent)],
    ['Agent port', agent && formatPort(agent)],
    ['Agent certificate', agent?.certificatePin],
    ['Server certificate', serverPin],
    ['Installed', age(agent?.installedAt)],
    ['Last answer', age(agent?.lastAnswerAt)],
    ['Last log', host.lastProvisioning && `rollcall command log ${host.lastProvisioning}`],
    ['Added', age(host.createdAt)],
  ])
}

const formatAgent = ({ version, architecture }: NonNullable<HostShown['host']['agent']>) =>
  `${version ?? 'version unknown'}${architecture ? ` (${architecture})` : ''}`

async function install(context: Context, name: string, options: Options): Promise<void> {
  const flag = (isGiven: boolean | undefined) => (isGiven ? ('true' as const) : undefined)
  const query = { takeOver: flag(options.takeOver), allowDuplicate: flag(options.allowDuplicate) }
  const answer = await context.api.call('installHost', { params: { host: name }, query })
  await reportStarted(context, options, { kind: 'installation', host: answer.host.name, answer })
}

async function remove(context: Context, name: string, options: Options): Promise<void> {
  const query = options.forget ? { forget: 'true' as const } : {}
  const answer = await context.api.call('removeHost', { params: { host: name }, query })
  const { commandId, message } = answer
  if (commandId !== null)
    return reportStarted(context, options, { kind: 'removal', host: name, answer: { ...answer, commandId } })
  if (options.json) context.stdout.write(jsonDocument(answer))
  else context.notice(message)
}
