import type { CommandState, CommandView } from '@rollcall/contracts/admin'
import { commandState, isFinalState } from '@rollcall/contracts/admin/commands/schemas'
import { Option } from 'commander'
import { ID_HELP, resolveCommandId, SHORT_ID_LENGTH } from '../api/resolve-id.ts'
import type { Context } from '../context.ts'
import { limitOption } from '../options/parsers.ts'
import { type AskingCommand, tableOr } from '../output/answers.ts'
import {
  formatAge,
  formatCommandLine,
  formatElapsed,
  formatEnding,
  formatExit,
  shorten,
} from '../output/format-command.ts'
import { fieldList } from '../output/table.ts'
import { addCommandLogCommand } from './command/log.ts'

const MAX_LIST_LENGTH = 1000
const MAX_COMMAND_LINE = 80

interface ListOptions {
  host?: string
  run?: string
  state?: CommandState
  limit?: number
}

export function addCommands(program: AskingCommand, context: Context): void {
  const { api } = context
  const command = program
    .command('command')
    .description('list, show and cancel commands, and read their output')
  command
    .command('list')
    .description('list commands, newest first')
    .option('--host <host>', 'only commands on this host')
    .option('--run <id>', 'only commands of this run')
    .addOption(new Option('--state <state>', 'only commands in this state').choices(commandState.options))
    .addOption(limitOption('how many at most', MAX_LIST_LENGTH, 50))
    .printsAnswer(
      ({ run, host, state, limit }: ListOptions) =>
        api.call('listCommands', { query: { host, runId: run, state, limit } }),
      ({ commands }) =>
        tableOr(
          'There are no such commands.',
          ['ID', 'HOST', 'STATE', 'EXIT', 'AGO', 'TOOK', 'COMMAND'],
          commands.map(toRow),
        ),
    )
  command
    .command('show <id>')
    .description('show a command')
    .addHelpText('after', `\n${ID_HELP}`)
    .printsAnswer(
      async (id: string) => api.call('showCommand', { params: { id: await resolveCommandId(api, id) } }),
      (answer) => describe(answer.command),
    )
  addCommandLogCommand(command, context)
  command
    .command('cancel <id>')
    .description('cancel a command; one that has ended is left alone')
    .addHelpText('after', `\n${ID_HELP}`)
    .reportsChange(
      async (id: string) => api.call('cancelCommand', { params: { id: await resolveCommandId(api, id) } }),
      (answer) => formatCancelled(answer.command),
    )
}

const toRow = (command: CommandView) => [
  command.id.slice(0, SHORT_ID_LENGTH),
  command.host.name,
  command.state,
  formatExit(command),
  formatAge(command.createdAt),
  formatElapsed(command),
  shorten(formatCommandLine(command), MAX_COMMAND_LINE),
]

function describe(command: CommandView): string {
  return fieldList([
    ['Id', command.id],
    ['Run', command.runId],
    ['Kind', command.kind],
    ['Host', command.host.name],
    ['Command', formatCommandLine(command)],
    ['Directory', command.cwd],
    [
      'State',
      command.cancelRequested && !isFinalState(command.state)
        ? `${command.state}, being cancelled`
        : command.state,
    ],
    ['Reason', command.reason && `${command.reason}${command.reasonCode ? ` (${command.reasonCode})` : ''}`],
    ['Exit', formatExit(command)],
    ['Requested', `${command.createdAt} by ${command.requestedBy}`],
    ['Started', command.startedAt],
    ['Ended', command.endedAt],
    ['Took', formatElapsed(command)],
    [
      'Output',
      `${command.outputBytes} bytes${command.droppedBytes > 0 ? `, ${command.droppedBytes} more were dropped` : ''}`,
    ],
    ['Log', `rollcall command log ${command.id}`],
  ])
}

function formatCancelled(command: CommandView): string {
  const { host, state } = command
  if (!isFinalState(state)) return `cancelling the command on ${host.name}`
  return `the command on ${host.name} has ended: ${formatEnding(command) ?? state}`
}
