import type { SavedCommandView } from '@rollcall/contracts/admin'
import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { UsageError } from '../errors.ts'
import { jsonOption } from '../options.ts'
import { jsonDocument } from '../output/json.ts'
import { fieldList, table } from '../output/table.ts'
import { commandLine, duration, limitsInWords, targetInWords } from '../output/words.ts'
import { addProgramOptions, type ProgramOptions, programOf } from './program-options.ts'
import { addWhereOptions, limitsOf, targetOf, WHERE_HELP, type WhereOptions } from './where-options.ts'

interface Options extends ProgramOptions, WhereOptions {
  description?: string
  json?: boolean
}

const HELP = `
${WHERE_HELP}
A saved command may leave open where it runs; whoever runs it then says so. It is run with "rollcall run --saved NAME".
The values of --env are kept sealed and never shown again.

Examples:
  rollcall saved add disk --all --description 'how full disks are' -- df -h /
  rollcall saved add upgrade --label env=prod --batch 10% --stop-after 2 --env TOKEN -- ./upgrade
  rollcall run --saved upgrade --label env=test`

export function addSavedCommands(program: Command, context: Context): void {
  const saved = program.command('saved').description('commands that are run again and again, by name')
  saved
    .command('list', { isDefault: true })
    .description('all of them, by name')
    .addOption(jsonOption())
    .action((options: Options) => list(context, options))
  saved
    .command('show <name>')
    .description('one of them')
    .addOption(jsonOption())
    .action((name: string, options: Options) => show(context, name, options))
  describedBy(saved.command('add'), context)
    .argument('<name>', 'what it is called')
    .argument('<program>', 'a program, looked up on the host')
    .argument('[args...]', 'its arguments, as they are')
    .usage('NAME [options] -- PROGRAM ARG…')
    .description('save a command')
    .addHelpText('after', HELP)
    .action((name: string, program: string, args: string[], options: Options) =>
      add(context, name, program, args, options),
    )
  describedBy(saved.command('change'), context)
    .argument('<name>', 'what it is called')
    .argument('[program]', 'another program')
    .argument('[args...]', 'and its arguments')
    .usage('NAME [options] [-- PROGRAM ARG…]')
    .description('change what is given, and leave the rest as it is')
    .addHelpText(
      'after',
      '\n--env replaces the whole environment. Runs that were asked for before stay as they are.',
    )
    .action((name: string, program: string | undefined, args: string[], options: Options) =>
      change(context, name, program, args, options),
    )
  saved
    .command('remove <name>')
    .description('forget one; refused while a schedule runs it')
    .action((name: string) => remove(context, name))
}

const describedBy = (command: Command, context: Context) =>
  addProgramOptions(addWhereOptions(command), context)
    .option('--description <text>', 'what it is for')
    .addOption(jsonOption())

async function list({ api, stdout }: Context, { json }: Options): Promise<void> {
  const answer = await api.call('listSavedCommands')
  if (json) stdout.write(jsonDocument(answer))
  else if (answer.savedCommands.length === 0)
    stdout.write('There are no saved commands yet. "rollcall saved add --help" shows how to save one.\n')
  else
    stdout.write(
      table(
        ['NAME', 'WHERE', 'COMMAND', 'DESCRIPTION'],
        answer.savedCommands.map((saved) => [
          saved.name,
          targetInWords(saved.target),
          commandLine(saved),
          saved.description,
        ]),
      ),
    )
}

async function show({ api, stdout }: Context, name: string, { json }: Options): Promise<void> {
  const answer = await api.call('showSavedCommand', { params: { name } })
  stdout.write(json ? jsonDocument(answer) : describe(answer.savedCommand))
}

function describe(saved: SavedCommandView): string {
  return fieldList([
    ['Name', saved.name],
    ['Description', saved.description],
    ['Command', commandLine(saved)],
    ['Directory', saved.cwd],
    ['Environment', saved.envNames.join(', ')],
    ['Timeout', duration(saved.timeoutMs)],
    ['Start within', duration(saved.startWithinMs)],
    ['Where', targetInWords(saved.target)],
    ['Limits', limitsInWords(saved.limits)],
    ['Saved', `${saved.createdAt} by ${saved.createdBy}`],
    ['Changed', saved.updatedAt],
  ])
}

/** What the options say, as the API takes it; only what was given. */
function toFields(options: Options) {
  const target = targetOf(options)
  const limits = limitsOf(options)
  const { description } = options
  return {
    ...programOf(options),
    ...(target && { target }),
    ...(limits && { limits }),
    ...(description !== undefined && { description }),
  }
}

async function add(
  context: Context,
  name: string,
  program: string,
  args: string[],
  options: Options,
): Promise<void> {
  const answer = await context.api.call('addSavedCommand', {
    body: { name, program, args, ...toFields(options) },
  })
  if (options.json) context.stdout.write(jsonDocument(answer))
  else context.notice(`saved; run it with: rollcall run --saved ${name}`)
}

async function change(
  context: Context,
  name: string,
  program: string | undefined,
  args: string[],
  options: Options,
): Promise<void> {
  const body = { ...toFields(options), ...(program !== undefined && { program, args }) }
  if (Object.keys(body).length === 0) throw new UsageError('Say what to change; --help shows what can be.')
  const answer = await context.api.call('changeSavedCommand', { params: { name }, body })
  if (options.json) context.stdout.write(jsonDocument(answer))
  else context.notice('changed')
}

async function remove({ api, notice }: Context, name: string): Promise<void> {
  await api.call('removeSavedCommand', { params: { name } })
  notice('removed')
}
