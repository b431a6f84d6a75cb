import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { jsonOption } from '../options.ts'
import { addressOf, portWords, reasonWords } from '../output/host-words.ts'
import { jsonDocument } from '../output/json.ts'
import { fieldList } from '../output/table.ts'
import { ago, labelList } from '../output/words.ts'
import { addHostAddCommand } from './host-add.ts'
import { addHostHistoryCommand } from './host-history.ts'
import { addHostImportCommand } from './host-import.ts'
import { addHostListCommand } from './host-list.ts'
import { addHostSamplesCommand } from './host-samples.ts'
import { addHostSetCommand } from './host-set.ts'
import { addHostStatusCommand } from './host-status.ts'
import { DUPLICATE_HELP, reportStarted, TAKE_OVER_HELP, WAIT_HELP } from './provisioning.ts'

interface Options {
  takeOver?: boolean
  allowDuplicate?: boolean
  json?: boolean
  wait?: boolean
  forget?: boolean
}

export function addHostCommands(program: Command, context: Context): void {
  const host = program.command('host').description('add, list, look at, change and remove hosts')
  addHostAddCommand(host, context)
  addHostImportCommand(host, context)
  addHostListCommand(host, context)
  host
    .command('show <name>')
    .description('one host, by name or id')
    .addOption(jsonOption())
    .action((name: string, options: Options) => show(context, name, options))
  addHostStatusCommand(host, context)
  addHostHistoryCommand(host, context)
  addHostSamplesCommand(host, context)
  addHostSetCommand(host, context)
  host
    .command('install <name>')
    .description('install the agent again, with the same identity; changes nothing where nothing is amiss')
    .option('--allow-duplicate', DUPLICATE_HELP)
    .option('--take-over', TAKE_OVER_HELP)
    .option('--wait', 'show the installation until it has ended')
    .addOption(jsonOption())
    .addHelpText('after', `\n${WAIT_HELP}`)
    .action((name: string, options: Options) => install(context, name, options))
  host
    .command('remove <name>')
    .description('uninstall the agent, leave nothing behind, and forget the host')
    .option('--forget', 'only forget it, without reaching it: what is installed there stays')
    .option('--wait', 'show the removal until it has ended')
    .addOption(jsonOption())
    .addHelpText('after', `\n${WAIT_HELP}`)
    .action((name: string, options: Options) => remove(context, name, options))
}

async function show({ api, stdout }: Context, name: string, { json }: Options): Promise<void> {
  const answer = await api.call('showHost', { params: { host: name } })
  if (json) {
    stdout.write(jsonDocument(answer))
    return
  }
  const { host, serverPin, sameMachineAs } = answer
  const { agent } = host
  stdout.write(
    fieldList([
      ['Name', host.name],
      ['Id', host.id],
      ['Address', addressOf(host)],
      ['User', host.user],
      ['State', `${host.state}, for ${ago(host.stateSince)}`],
      ['Reason', reasonWords(host.stateReason, host.stateCode)],
      ['Labels', labelList(host.labels)],
      ['SSH host key', host.hostKey ?? 'not seen yet'],
      ['Same machine as', sameMachineAs && (sameMachineAs.name ?? 'another host, which you may not see')],
      [
        'Agent',
        agent &&
          `${agent.version ?? 'version unknown'}${agent.architecture ? ` (${agent.architecture})` : ''}`,
      ],
      ['Agent port', agent && portWords(agent)],
      ['Agent certificate', agent?.certificatePin],
      ['Server certificate', serverPin],
      ['Installed', agent?.installedAt && `${ago(agent.installedAt)} ago`],
      ['Last answer', agent?.lastAnswerAt && `${ago(agent.lastAnswerAt)} ago`],
      ['Last log', host.lastProvisioning && `rollcall command log ${host.lastProvisioning}`],
      ['Added', `${ago(host.createdAt)} ago`],
    ]),
  )
}

async function install(context: Context, name: string, options: Options): Promise<void> {
  const query = {
    ...(options.takeOver && { takeOver: 'true' as const }),
    ...(options.allowDuplicate && { allowDuplicate: 'true' as const }),
  }
  const answer = await context.api.call('installHost', { params: { host: name }, query })
  const { name: host } = answer.host
  await reportStarted(context, options, { kind: 'installation', host, commandId: answer.commandId, answer })
}

async function remove(context: Context, name: string, options: Options): Promise<void> {
  const query = options.forget ? { forget: 'true' as const } : {}
  const answer = await context.api.call('removeHost', { params: { host: name }, query })
  const { commandId, message } = answer
  if (commandId !== null)
    return reportStarted(context, options, { kind: 'removal', host: name, commandId, answer })
  if (options.json) context.stdout.write(jsonDocument(answer))
  else context.notice(message)
}
