import type { NewScheduleInput, ScheduleView } from '@rollcall/contracts/admin'
import { Option } from 'commander'
import type { Context } from '../context.ts'
import { UsageError } from '../errors.ts'
import { hasValues, seconds } from '../options/parsers.ts'
import { addProgramOptions, type ProgramOptions, toProgram } from '../options/program-options.ts'
import {
  addRunTargetOptions,
  TARGET_HELP,
  type TargetOptions,
  toRunTarget,
} from '../options/target-options.ts'
import { type AskingCommand, tableOr } from '../output/answers.ts'
import { formatCommandLine, formatDuration, formatLimits, formatTarget } from '../output/format-command.ts'
import { fieldList, table } from '../output/table.ts'

interface Options extends ProgramOptions, TargetOptions {
  cron: string
  timeZone?: string
  saved?: string
  overlap?: 'skip' | 'allow'
  grace?: number
  paused?: boolean
  description?: string
}

const HELP = `
--cron has five fields: minute, hour, day of the month, month, day of the week, in local time of --time-zone. When clocks go
forward, a skipped time runs right after the change; when they go back, a repeated time runs once, the first time. With * as
the hour, the schedule runs in every hour that passes.

It runs a saved command (--saved NAME) or a program after --.
${TARGET_HELP}

Examples:
  rollcall schedule add nightly --cron '30 2 * * *' --time-zone Europe/Berlin --saved upgrade
  rollcall schedule add disks --cron '*/15 * * * *' --all -- df -h /`

export function addCommands(program: AskingCommand, context: Context): void {
  const { api } = context
  const schedule = program.command('schedule').description('manage scheduled runs')
  schedule
    .command('list', { isDefault: true })
    .description('list schedules by name')
    .printsAnswer(
      () => api.call('listSchedules'),
      ({ schedules }) =>
        tableOr(
          'There are no schedules yet. "rollcall schedule add --help" shows how to add one.',
          ['NAME', 'CRON', 'TIME ZONE', 'NEXT', 'LAST', 'WHAT'],
          schedules.map(toRow),
        ),
    )
  schedule
    .command('show <name>')
    .description('show a schedule, its next times and its recent runs')
    .printsAnswer(
      (name: string) => api.call('showSchedule', { params: { name } }),
      ({ schedule }) => describe(schedule),
    )
  addSettings(schedule.command('add'), context).reportsChange(
    async (name: string, program: string | undefined, args: string[], options: Options) =>
      api.call('addSchedule', { body: toBody(name, program, args, options) }),
    formatNext,
  )
  for (const [word, isEnabled, description] of [
    ['pause', false, 'start no more runs until it is resumed'],
    ['resume', true, 'continue with the next planned time; missed times are not made up'],
  ] as const)
    schedule
      .command(`${word} <name>`)
      .description(description)
      .reportsChange(
        (name: string) => api.call('changeSchedule', { params: { name }, body: { isEnabled } }),
        formatNext,
      )
  schedule
    .command('remove <name>')
    .description('remove a schedule; its runs are kept')
    .reportsChange(
      (name: string) => api.call('removeSchedule', { params: { name } }),
      () => 'removed',
    )
}

const addSettings = (command: AskingCommand, context: Context) =>
  addProgramOptions(addRunTargetOptions(command), context)
    .argument('<name>', 'its name')
    .argument('[program]', 'a program, looked up on the host')
    .argument('[args...]', 'its arguments, passed unchanged')
    .usage("NAME --cron '…' [options] (--saved NAME | -- PROGRAM ARG…)")
    .description('add a schedule')
    .requiredOption('--cron <expression>', 'when to run, such as "30 2 * * mon-fri"')
    .option('--time-zone <zone>', 'time zone of --cron, such as Europe/Berlin (default: UTC)')
    .option('--saved <name>', 'the saved command to run')
    .addOption(
      new Option(
        '--overlap <policy>',
        'what to do while the previous run has not ended (default: skip)',
      ).choices(['skip', 'allow']),
    )
    .option(
      '--grace <seconds>',
      'how late a run may start when no server was up at its time (default: 300)',
      seconds(10, 86_400),
    )
    .option('--paused', 'add it paused')
    .option('--description <text>', 'what it is for')
    .addHelpText('after', HELP)

function toBody(
  name: string,
  program: string | undefined,
  args: string[],
  options: Options,
): NewScheduleInput {
  const { saved, cron, timeZone, overlap, grace, paused, description } = options
  const how = toProgram(options)
  if ((saved === undefined) === (program === undefined))
    throw new UsageError('Say what to run: either --saved NAME or a program after --.')
  if (saved !== undefined && hasValues(how))
    throw new UsageError('A saved command has its own settings: change them with "rollcall saved change".')
  return {
    name,
    cron,
    timeZone,
    savedCommand: saved,
    command: program === undefined ? undefined : { program, args, ...how },
    ...toRunTarget(options),
    overlap,
    graceMs: grace,
    isEnabled: paused ? false : undefined,
    description,
  }
}

const formatNext = ({ schedule: { isEnabled, next, timeZone } }: { schedule: ScheduleView }) =>
  isEnabled ? `next run: ${formatLocalTime(next[0], timeZone)} (${timeZone})` : 'paused'

const toRow = (schedule: ScheduleView) => [
  schedule.name,
  schedule.cron,
  schedule.timeZone,
  schedule.isEnabled ? formatLocalTime(schedule.next[0], schedule.timeZone) : 'paused',
  schedule.last[0] ? formatOutcome(schedule.last[0]) : '-',
  formatWhat(schedule),
]

const formatOutcome = ({ outcome, runState }: ScheduleView['last'][number]) =>
  runState ? `${outcome}, ${runState}` : outcome

const formatWhat = ({ savedCommand, command }: ScheduleView) =>
  savedCommand ?? (command ? formatCommandLine(command) : '-')

/** Formats a moment in a time zone, such as `2026-03-29 02:30`. */
function formatLocalTime(moment: string | undefined, timeZone: string): string {
  if (moment === undefined) return '-'
  return new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'short' }).format(
    new Date(moment),
  )
}

function describe(schedule: ScheduleView): string {
  const { command, timeZone, last, next } = schedule
  const fields = fieldList([
    ['Name', schedule.name],
    ['Description', schedule.description],
    ['When', `${schedule.cron}, ${timeZone} time`],
    ['State', schedule.isEnabled ? 'enabled' : 'paused'],
    ['Saved command', schedule.savedCommand],
    ['Command', command && formatCommandLine(command)],
    ['Environment', command?.envNames.join(', ')],
    ['Where', schedule.target ? formatTarget(schedule.target) : 'hosts of the saved command'],
    ['Limits', formatLimits(schedule.limits)],
    ['Overlap', schedule.overlap === 'skip' ? 'skipped while the previous run has not ended' : 'allowed'],
    ['Grace', formatDuration(schedule.graceMs)],
    ['Next', next.map((moment) => formatLocalTime(moment, timeZone)).join(', ')],
    ['Added', `${schedule.createdAt} by ${schedule.createdBy}`],
  ])
  if (last.length === 0) return fields
  const rows = last.map((firing) => [
    formatLocalTime(firing.plannedAt, timeZone),
    formatOutcome(firing),
    firing.runId ?? '-',
    firing.reason,
  ])
  return `${fields}\n${table(['PLANNED', 'OUTCOME', 'RUN', 'REASON'], rows)}`
}
