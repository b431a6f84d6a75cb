import type { SavedCommandView } from '@rollcall/contracts/admin'
import type { Context } from '../context.ts'
import { UsageError } from '../errors.ts'
import { hasValues } from '../options/parsers.ts'
import { addProgramOptions, type ProgramOptions, toProgram } from '../options/program-options.ts'
import {
  addRunTargetOptions,
  TARGET_HELP,
  type TargetOptions,
  toRunTarget,
} from '../options/target-options.ts'
import { type AskingCommand, tableOr } from '../output/answers.ts'
import { formatCommandLine, formatDuration, formatLimits, formatTarget } from '../output/format-command.ts'
import { fieldList } from '../output/table.ts'

interface Options extends ProgramOptions, TargetOptions {
  description?: string
}

const HELP = `
${TARGET_HELP}
A saved command may leave its hosts open; they are then named when it is run, with "rollcall run --saved NAME".
The values of --env are stored encrypted and never shown again.

Examples:
  rollcall saved add disk --all --description 'how full disks are' -- df -h /
  rollcall saved add upgrade --label env=prod --batch 10% --stop-after 2 --env TOKEN -- ./upgrade
  rollcall run --saved upgrade --label env=test`

export function addCommands(program: AskingCommand, context: Context): void {
  const { api } = context
  const saved = program.command('saved').description('manage saved commands')
  saved
    .command('list', { isDefault: true })
    .description('list saved commands by name')
    .printsAnswer(
      () => api.call('listSavedCommands'),
      ({ savedCommands }) =>
        tableOr(
          'There are no saved commands yet. "rollcall saved add --help" shows how to save one.',
          ['NAME', 'WHERE', 'COMMAND', 'DESCRIPTION'],
          savedCommands.map(toRow),
        ),
    )
  saved
    .command('show <name>')
    .description('show a saved command')
    .printsAnswer(
      (name: string) => api.call('showSavedCommand', { params: { name } }),
      ({ savedCommand }) => describe(savedCommand),
    )
  addSettings(saved.command('add'), context)
    .argument('<name>', 'its name')
    .argument('<program>', 'a program, looked up on the host')
    .argument('[args...]', 'its arguments, passed unchanged')
    .usage('NAME [options] -- PROGRAM ARG…')
    .description('save a command')
    .addHelpText('after', HELP)
    .reportsChange(
      (name: string, program: string, args: string[], options: Options) =>
        api.call('addSavedCommand', { body: { name, program, args, ...toFields(options) } }),
      ({ savedCommand }) => `saved; run it with: rollcall run --saved ${savedCommand.name}`,
    )
  addSettings(saved.command('change'), context)
    .argument('<name>', 'its name')
    .argument('[program]', 'another program')
    .argument('[args...]', 'its arguments')
    .usage('NAME [options] [-- PROGRAM ARG…]')
    .description('change what is given and keep the rest')
    .addHelpText('after', '\n--env replaces the whole environment. Runs that have started are not affected.')
    .reportsChange(
      async (name: string, program: string | undefined, args: string[], options: Options) => {
        const body = { ...toFields(options), ...(program !== undefined && { program, args }) }
        if (!hasValues(body)) throw new UsageError('Say what to change; see "rollcall saved change --help".')
        return api.call('changeSavedCommand', { params: { name }, body })
      },
      () => 'changed',
    )
  saved
    .command('remove <name>')
    .description('remove a saved command; refused while a schedule uses it')
    .reportsChange(
      (name: string) => api.call('removeSavedCommand', { params: { name } }),
      () => 'removed',
    )
}

const addSettings = (command: AskingCommand, context: Context) =>
  addProgramOptions(addRunTargetOptions(command), context).option('--description <text>', 'what it is for')

const toRow = (saved: SavedCommandView) => [
  saved.name,
  formatTarget(saved.target),
  formatCommandLine(saved),
  saved.description,
]

const describe = (saved: SavedCommandView) =>
  fieldList([
    ['Name', saved.name],
    ['Description', saved.description],
    ['Command', formatCommandLine(saved)],
    ['Directory', saved.cwd],
    ['Environment', saved.envNames.join(', ')],
    ['Timeout', formatDuration(saved.timeoutMs)],
    ['Start within', formatDuration(saved.startWithinMs)],
    ['Where', formatTarget(saved.target)],
    ['Limits', formatLimits(saved.limits)],
    ['Saved', `${saved.createdAt} by ${saved.createdBy}`],
    ['Changed', saved.updatedAt],
  ])

/** Returns the fields of the request that the options give. */
const toFields = (options: Options) => ({
  ...toProgram(options),
  ...toRunTarget(options),
  description: options.description,
})
