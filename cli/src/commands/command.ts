import type { CommandState, CommandView } from '@rollcall/contracts/admin'
import { commandState, isFinalState } from '@rollcall/contracts/admin/commands/schemas'
import { type Command, Option } from 'commander'
import type { Context } from '../context.ts'
import { jsonOption, wholeNumber } from '../options.ts'
import { jsonDocument } from '../output/json.ts'
import { fieldList, table } from '../output/table.ts'
import { ago, commandLine, endingOf, exitOf, took } from '../output/words.ts'
import { ID_HELP, resolveCommandId, SHORT_ID_LENGTH } from './command-id.ts'
import { addCommandLogCommand } from './command-log.ts'

const MAX_LIST_LENGTH = 1000
const MAX_COMMAND_LINE = 80

interface ListOptions {
  host?: string
  run?: string
  state?: CommandState
  limit?: number
  json?: boolean
}

export function addCommandCommands(program: Command, context: Context): void {
  const command = program
    .command('command')
    .description('list, show and cancel commands, and read what they said')
  command
    .command('list')
    .description('commands, newest first')
    .option('--host <host>', 'only those on this host')
    .option('--run <id>', 'only those that were asked for together')
    .addOption(new Option('--state <state>', 'only those in this state').choices(commandState.options))
    .option(
      '--limit <number>',
      `at most so many, up to ${MAX_LIST_LENGTH} (default: 50)`,
      wholeNumber(1, MAX_LIST_LENGTH),
    )
    .addOption(jsonOption())
    .action((options: ListOptions) => list(context, options))
  command
    .command('show <id>')
    .description('one command')
    .addOption(jsonOption())
    .addHelpText('after', `\n${ID_HELP}`)
    .action((id: string, options: { json?: boolean }) => show(context, id, options))
  addCommandLogCommand(command, context)
  command
    .command('cancel <id>')
    .description('ask a command to end; one that has ended stays as it is')
    .addOption(jsonOption())
    .addHelpText('after', `\n${ID_HELP}`)
    .action((id: string, options: { json?: boolean }) => cancel(context, id, options))
}

async function list({ api, stdout }: Context, { json, run, host, state, limit }: ListOptions): Promise<void> {
  const answer = await api.call('listCommands', { query: { host, runId: run, state, limit } })
  if (json) stdout.write(jsonDocument(answer))
  else if (answer.commands.length === 0) stdout.write('There are no such commands.\n')
  else
    stdout.write(table(['ID', 'HOST', 'STATE', 'EXIT', 'AGO', 'TOOK', 'COMMAND'], answer.commands.map(toRow)))
}

const toRow = (command: CommandView) => [
  command.id.slice(0, SHORT_ID_LENGTH),
  command.host.name,
  command.state,
  exitOf(command),
  ago(command.createdAt),
  took(command),
  shortened(commandLine(command)),
]

const shortened = (text: string) =>
  text.length > MAX_COMMAND_LINE ? `${text.slice(0, MAX_COMMAND_LINE - 1)}…` : text

async function show({ api, stdout }: Context, given: string, { json }: { json?: boolean }): Promise<void> {
  const id = await resolveCommandId(api, given)
  const answer = await api.call('showCommand', { params: { id } })
  stdout.write(json ? jsonDocument(answer) : describe(answer.command))
}

function describe(command: CommandView): string {
  return fieldList([
    ['Id', command.id],
    ['Run', command.runId],
    ['Kind', command.kind],
    ['Host', command.host.name],
    ['Command', commandLine(command)],
    ['Directory', command.cwd],
    [
      'State',
      command.cancelRequested && !isFinalState(command.state)
        ? `${command.state}, asked to end`
        : command.state,
    ],
    ['Reason', command.reason && `${command.reason}${command.reasonCode ? ` (${command.reasonCode})` : ''}`],
    ['Exit', exitOf(command)],
    ['Asked for', `${command.createdAt} by ${command.requestedBy}`],
    ['Started', command.startedAt],
    ['Ended', command.endedAt],
    ['Took', took(command)],
    [
      'Output',
      `${command.outputBytes} bytes${command.droppedBytes > 0 ? `, and ${command.droppedBytes} that were cut` : ''}`,
    ],
    ['Log', `rollcall command log ${command.id}`],
  ])
}

async function cancel(
  { api, stdout, notice }: Context,
  given: string,
  { json }: { json?: boolean },
): Promise<void> {
  const id = await resolveCommandId(api, given)
  const answer = await api.call('cancelCommand', { params: { id } })
  if (json) {
    stdout.write(jsonDocument(answer))
    return
  }
  const { command } = answer
  if (isFinalState(command.state))
    notice(`the command on ${command.host.name} has ended: ${endingOf(command) ?? command.state}`)
  else notice(`asked the command on ${command.host.name} to end`)
}
