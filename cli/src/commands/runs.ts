import type { RunView } from '@rollcall/contracts/admin'
import type { Command } from 'commander'
import { RUN_ID_HELP, resolveRunId, SHORT_ID_LENGTH } from '../api/resolve-id.ts'
import type { Context } from '../context.ts'
import { jsonOption, wholeNumber } from '../options/parsers.ts'
import { printsAnswer, reportsChange, tableOr } from '../output/answers.ts'
import {
  formatAge,
  formatCommandLine,
  formatDuration,
  formatHostCount,
  formatLimits,
} from '../output/format-command.ts'
import { jsonDocument } from '../output/json.ts'
import { playbookReport } from '../output/playbook-report.ts'
import { countsLine } from '../output/progress.ts'
import { printReport, reportSkipped } from '../output/run-report.ts'
import { fieldList } from '../output/table.ts'

const MAX_LIST_LENGTH = 200
const MAX_COMMAND_LINE = 60

interface ShowOptions {
  output: boolean
  json?: boolean
}

export function addCommands(program: Command, context: Context): void {
  const { api } = context
  const runs = program.command('runs').description('list, show and cancel runs')
  printsAnswer(
    runs
      .command('list', { isDefault: true })
      .description('list runs, newest first')
      .option(
        '--limit <number>',
        `how many at most, up to ${MAX_LIST_LENGTH} (default: 50)`,
        wholeNumber(1, MAX_LIST_LENGTH),
      ),
    context,
    ({ limit }: { limit?: number }) => api.call('listRuns', { query: { limit } }),
    (answer) =>
      tableOr(
        'There are no runs yet.',
        ['ID', 'WHERE', 'STATE', 'OK', 'AGO', 'TOOK', 'BY', 'COMMAND'],
        answer.runs.map(toRow),
      ),
  )
  runs
    .command('show <id>')
    .description('show a run: its progress, and hosts with the same outcome together with their output')
    .option('--no-output', 'leave out the output; failures are still shown')
    .addOption(jsonOption())
    .addHelpText('after', `\n${RUN_ID_HELP}`)
    .action((id: string, options: ShowOptions) => show(context, id, options))
  reportsChange(
    runs
      .command('cancel <id>')
      .description('cancel every command of a run; those that have ended are left alone')
      .addHelpText('after', `\n${RUN_ID_HELP}`),
    context,
    async (id: string) => api.call('cancelRun', { params: { id: await resolveRunId(api, id) } }),
    ({ run }) => `${run.endedAt ? 'the run has ended' : 'cancelling the run'}: ${countsLine(run.counts)}`,
  )
}

const toRow = (run: RunView) => [
  run.id.slice(0, SHORT_ID_LENGTH),
  formatWhere(run),
  formatRunState(run),
  `${run.counts.success}/${run.total}`,
  formatAge(run.createdAt),
  run.endedAt ? formatDuration(Date.parse(run.endedAt) - Date.parse(run.createdAt)) : '-',
  run.requestedBy,
  shortened(formatTitle(run)),
]

const shortened = (text: string) =>
  text.length > MAX_COMMAND_LINE ? `${text.slice(0, MAX_COMMAND_LINE - 1)}…` : text

/** Formats what a run does; a plan and its application are told apart. */
const formatTitle = (run: RunView) =>
  run.playbook ? `${run.playbook.mode} ${run.playbook.name}` : formatCommandLine(run)

function formatWhere({ target, total }: RunView): string {
  if (target.by === 'hosts') return formatHostCount(total)
  return target.by === 'all' ? 'all' : target.labels.join(' and ')
}

function formatRunState({ endedAt, cancelRequested, stoppedAt, counts, total }: RunView): string {
  if (!endedAt) return cancelRequested ? 'cancelling' : stoppedAt ? 'stopping' : 'running'
  if (counts.success === total) return 'success'
  return stoppedAt ? 'stopped' : cancelRequested ? 'cancelled' : 'failed'
}

async function show(context: Context, given: string, { json, output }: ShowOptions): Promise<void> {
  const id = await resolveRunId(context.api, given)
  const summary = await context.api.call('summarizeRun', { params: { id } })
  if (json) {
    context.stdout.write(jsonDocument(summary))
    return
  }
  context.stdout.write(`${describe(summary.run)}\n`)
  reportSkipped(context, summary.run.skipped)
  if (summary.run.playbook) await showPlaybook(context, id)
  else await printReport(context, summary, { withOutput: output })
}

/** Prints the tasks of a playbook in place of its output, which is in a format for the server. */
async function showPlaybook({ api, stdout }: Context, id: string): Promise<void> {
  const view = await api.call('showPlaybookRun', { params: { id } })
  const toTasks = async (command: string) =>
    (await api.call('showPlaybookTasks', { params: { id: command } })).tasks
  stdout.write(await playbookReport(view, toTasks))
}

function describe(run: RunView): string {
  return fieldList([
    ['Id', run.id],
    ['Command', formatCommandLine(run)],
    ['Playbook', run.playbook && formatTitle(run)],
    ['Applies', run.playbook?.planId ?? null],
    ['Applied by', run.playbook?.appliedBy ?? null],
    ['Directory', run.cwd],
    ['Where', formatWhere(run)],
    ['Limits', formatLimits(run.limits)],
    ['State', formatRunState(run)],
    ['Hosts', countsLine(run.counts)],
    ['Requested', `${run.createdAt} by ${run.requestedBy}`],
    ['Saved command', run.savedCommand],
    ['Schedule', run.schedule],
    ['Stopped', run.stoppedAt],
    ['Ended', run.endedAt],
  ])
}
