import type { RunSummary, RunView } from '@rollcall/contracts/admin'
import { RUN_ID_HELP, resolveRunId, SHORT_ID_LENGTH } from '../api/resolve-id.ts'
import type { Context } from '../context.ts'
import { limitOption } from '../options/parsers.ts'
import { type AskingCommand, tableOr } from '../output/answers.ts'
import {
  formatAge,
  formatCommandLine,
  formatDuration,
  formatHostCount,
  formatLimits,
  shorten,
} from '../output/format-command.ts'
import { playbookReport } from '../output/playbook-report.ts'
import { countsLine } from '../output/progress.ts'
import { printReport, reportSkipped } from '../output/run-report.ts'
import { fieldList } from '../output/table.ts'

const MAX_LIST_LENGTH = 200
const MAX_COMMAND_LINE = 60

export function addCommands(program: AskingCommand, context: Context): void {
  const { api } = context
  const runs = program.command('runs').description('list, show and cancel runs')
  runs
    .command('list', { isDefault: true })
    .description('list runs, newest first')
    .addOption(limitOption('how many at most', MAX_LIST_LENGTH, 50))
    .printsAnswer(
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
    .addHelpText('after', `\n${RUN_ID_HELP}`)
    .showsAnswer(
      async (id: string) => api.call('summarizeRun', { params: { id: await resolveRunId(api, id) } }),
      (summary, _id: string, { output }: { output: boolean }) => show(context, summary, output),
    )
  runs
    .command('cancel <id>')
    .description('cancel every command of a run; those that have ended are left alone')
    .addHelpText('after', `\n${RUN_ID_HELP}`)
    .reportsChange(
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
  shorten(formatTitle(run), MAX_COMMAND_LINE),
]

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

async function show(context: Context, summary: RunSummary, withOutput: boolean): Promise<void> {
  const { run } = summary
  context.stdout.write(`${describe(run)}\n`)
  reportSkipped(context, run.skipped)
  if (run.playbook) await showPlaybook(context, run.id)
  else await printReport(context, summary, { withOutput })
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
