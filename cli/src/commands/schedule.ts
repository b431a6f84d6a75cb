import type { ScheduleView } from '@rollcall/contracts/admin'
import { type Command, Option } from 'commander'
import type { Context } from '../context.ts'
import { UsageError } from '../errors.ts'
import { jsonOption, seconds } from '../options.ts'
import { jsonDocument } from '../output/json.ts'
import { fieldList, table } from '../output/table.ts'
import { commandLine, duration, limitsInWords, targetInWords } from '../output/words.ts'
import { addProgramOptions, type ProgramOptions, programOf } from './program-options.ts'
import { addWhereOptions, limitsOf, targetOf, WHERE_HELP, type WhereOptions } from './where-options.ts'

interface Options extends ProgramOptions, WhereOptions {
  cron: string
  timeZone?: string
  saved?: string
  overlap?: 'skip' | 'allow'
  grace?: number
  paused?: boolean
  description?: string
  json?: boolean
}

const HELP = `
--cron has five fields: minute, hour, day of the month, month, day of the week. They are read by the clock on the wall of
--time-zone. A time that the clock jumps over in spring comes as soon as it has jumped; one that the clock shows twice in
autumn comes once, the first time. With * as its hour, an expression comes in every hour that passes.

What to run is a saved command (--saved NAME) or a program after --.
${WHERE_HELP}

Examples:
  rollcall schedule add nightly --cron '30 2 * * *' --time-zone Europe/Berlin --saved upgrade
  rollcall schedule add disks --cron '*/15 * * * *' --all -- df -h /`

export function addScheduleCommands(program: Command, context: Context): void {
  const schedule = program.command('schedule').description('run things by the clock')
  schedule
    .command('list', { isDefault: true })
    .description('all schedules, by name')
    .addOption(jsonOption())
    .action((options: Options) => list(context, options))
  schedule
    .command('show <name>')
    .description('one schedule: what comes next, and what became of the last times')
    .addOption(jsonOption())
    .action((name: string, options: Options) => show(context, name, options))
  addProgramOptions(addWhereOptions(schedule.command('add')), context)
    .argument('<name>', 'what it is called')
    .argument('[program]', 'a program, looked up on the host')
    .argument('[args...]', 'its arguments, as they are')
    .usage("NAME --cron '…' [options] (--saved NAME | -- PROGRAM ARG…)")
    .description('add a schedule')
    .requiredOption('--cron <expression>', 'when, as in "30 2 * * mon-fri"')
    .option('--time-zone <zone>', 'whose clock counts, such as Europe/Berlin (default: UTC)')
    .option('--saved <name>', 'the saved command to run')
    .addOption(
      new Option('--overlap <way>', 'what to do when the run before has not ended (default: skip)').choices([
        'skip',
        'allow',
      ]),
    )
    .option(
      '--grace <seconds>',
      'how late it may begin when no server ran at its time (default: 300)',
      seconds(10, 86_400),
    )
    .option('--paused', 'do not begin yet')
    .option('--description <text>', 'what it is for')
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action((name: string, program: string | undefined, args: string[], options: Options) =>
      add(context, name, program, args, options),
    )
  for (const [word, isEnabled, told] of [
    ['pause', false, 'nothing is begun until it is resumed'],
    ['resume', true, 'go on with the next time; what lay in between is not made up for'],
  ] as const)
    schedule
      .command(`${word} <name>`)
      .description(told)
      .addOption(jsonOption())
      .action((name: string, options: Options) => enable(context, name, isEnabled, options))
  schedule
    .command('remove <name>')
    .description('forget a schedule; its runs stay')
    .action((name: string) => remove(context, name))
}

async function list({ api, stdout }: Context, { json }: Options): Promise<void> {
  const answer = await api.call('listSchedules')
  if (json) stdout.write(jsonDocument(answer))
  else if (answer.schedules.length === 0)
    stdout.write('There are no schedules yet. "rollcall schedule add --help" shows how to add one.\n')
  else stdout.write(table(['NAME', 'CRON', 'TIME ZONE', 'NEXT', 'LAST', 'WHAT'], answer.schedules.map(toRow)))
}

const toRow = (schedule: ScheduleView) => [
  schedule.name,
  schedule.cron,
  schedule.timeZone,
  schedule.isEnabled ? localTime(schedule.next[0], schedule.timeZone) : 'paused',
  schedule.last[0] ? toOutcome(schedule.last[0]) : '-',
  whatOf(schedule),
]

/** What became of a time, and of its run where there was one. */
const toOutcome = ({ outcome, runState }: ScheduleView['last'][number]) =>
  runState ? `${outcome}, ${runState}` : outcome

const whatOf = ({ savedCommand, command }: ScheduleView) =>
  savedCommand ?? (command ? commandLine(command) : '-')

/** By the clock of the schedule's own time zone. */
function localTime(moment: string | undefined, timeZone: string): string {
  if (moment === undefined) return '-'
  return new Intl.DateTimeFormat('sv-SE', {
    timeZone,
    dateStyle: 'short',
    timeStyle: 'short',
  }).format(new Date(moment))
}

async function show({ api, stdout }: Context, name: string, { json }: Options): Promise<void> {
  const answer = await api.call('showSchedule', { params: { name } })
  stdout.write(json ? jsonDocument(answer) : describe(answer.schedule))
}

function describe(schedule: ScheduleView): string {
  const { command, timeZone, last, next } = schedule
  const fields = fieldList([
    ['Name', schedule.name],
    ['Description', schedule.description],
    ['When', `${schedule.cron}, by the clock of ${timeZone}`],
    ['State', schedule.isEnabled ? 'enabled' : 'paused'],
    ['Saved command', schedule.savedCommand],
    ['Command', command && commandLine(command)],
    ['Environment', command?.envNames.join(', ')],
    ['Where', schedule.target ? targetInWords(schedule.target) : 'where the saved command says'],
    ['Limits', limitsInWords(schedule.limits)],
    ['Overlap', schedule.overlap === 'skip' ? 'left out while the run before goes on' : 'allowed'],
    ['Grace', duration(schedule.graceMs)],
    ['Next', next.map((moment) => localTime(moment, timeZone)).join(', ')],
    ['Added', `${schedule.createdAt} by ${schedule.createdBy}`],
  ])
  if (last.length === 0) return fields
  const rows = last.map((firing) => [
    localTime(firing.plannedAt, timeZone),
    toOutcome(firing),
    firing.runId ?? '-',
    firing.reason ?? '',
  ])
  return `${fields}\n${table(['PLANNED', 'OUTCOME', 'RUN', ''], rows)}`
}

async function add(
  context: Context,
  name: string,
  program: string | undefined,
  args: string[],
  options: Options,
): Promise<void> {
  const { saved, cron, timeZone, overlap, grace, paused, description } = options
  const how = programOf(options)
  if ((saved === undefined) === (program === undefined))
    throw new UsageError('Say what to run: --saved NAME, or a program after --, and not both.')
  if (saved !== undefined && Object.keys(how).length > 0)
    throw new UsageError('How a saved command runs is part of it: see "rollcall saved change --help".')
  const target = targetOf(options)
  const limits = limitsOf(options)
  const answer = await context.api.call('addSchedule', {
    body: {
      name,
      cron,
      ...(timeZone !== undefined && { timeZone }),
      ...(saved !== undefined && { savedCommand: saved }),
      ...(program !== undefined && { command: { program, args, ...how } }),
      ...(target && { target }),
      ...(limits && { limits }),
      ...(overlap !== undefined && { overlap }),
      ...(grace !== undefined && { graceMs: grace }),
      ...(paused && { isEnabled: false }),
      ...(description !== undefined && { description }),
    },
  })
  report(context, answer, options)
}

async function enable(context: Context, name: string, isEnabled: boolean, options: Options): Promise<void> {
  const answer = await context.api.call('changeSchedule', { params: { name }, body: { isEnabled } })
  report(context, answer, options)
}

function report(
  { stdout, notice }: Context,
  answer: { schedule: ScheduleView },
  { json }: Pick<Options, 'json'>,
): void {
  const { isEnabled, next, timeZone } = answer.schedule
  if (json) stdout.write(jsonDocument(answer))
  else if (!isEnabled) notice('paused')
  else notice(`next: ${localTime(next[0], timeZone)} (${timeZone})`)
}

async function remove({ api, notice }: Context, name: string): Promise<void> {
  await api.call('removeSchedule', { params: { name } })
  notice('removed')
}
