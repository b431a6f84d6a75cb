import type { RunView } from '@rollcall/contracts/admin'
import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { jsonOption, wholeNumber } from '../options.ts'
import { jsonDocument } from '../output/json.ts'
import { playbookReport } from '../output/playbook-report.ts'
import { countsLine } from '../output/progress.ts'
import { printReport, tellSkipped } from '../output/run-report.ts'
import { fieldList, table } from '../output/table.ts'
import { ago, commandLine, duration, hostCount, limitsInWords } from '../output/words.ts'
import { RUN_ID_HELP, resolveRunId, SHORT_ID_LENGTH } from './command-id.ts'

const MAX_LIST_LENGTH = 200
const MAX_COMMAND_LINE = 60

interface Options {
  limit?: number
  output: boolean
  json?: boolean
}

export function addRunsCommands(program: Command, context: Context): void {
  const runs = program.command('runs').description('earlier runs: list, show, cancel')
  runs
    .command('list', { isDefault: true })
    .description('runs, newest first')
    .option(
      '--limit <number>',
      `at most so many, up to ${MAX_LIST_LENGTH} (default: 50)`,
      wholeNumber(1, MAX_LIST_LENGTH),
    )
    .addOption(jsonOption())
    .action((options: Options) => list(context, options))
  runs
    .command('show <id>')
    .description('one run: how far it has come, and which hosts ended alike, with their output')
    .option('--no-output', 'leave the output out; what went wrong is told all the same')
    .addOption(jsonOption())
    .addHelpText('after', `\n${RUN_ID_HELP}`)
    .action((id: string, options: Options) => show(context, id, options))
  runs
    .command('cancel <id>')
    .description('ask every command of a run to end; those that have ended stay as they are')
    .addOption(jsonOption())
    .addHelpText('after', `\n${RUN_ID_HELP}`)
    .action((id: string, options: Options) => cancel(context, id, options))
}

async function list({ api, stdout }: Context, { json, limit }: Options): Promise<void> {
  const answer = await api.call('listRuns', { query: { limit } })
  if (json) stdout.write(jsonDocument(answer))
  else if (answer.runs.length === 0) stdout.write('There are no runs yet.\n')
  else
    stdout.write(
      table(['ID', 'WHERE', 'STATE', 'OK', 'AGO', 'TOOK', 'BY', 'COMMAND'], answer.runs.map(toRow)),
    )
}

const toRow = (run: RunView) => [
  run.id.slice(0, SHORT_ID_LENGTH),
  whereOf(run),
  stateOf(run),
  `${run.counts.success}/${run.total}`,
  ago(run.createdAt),
  run.endedAt ? duration(Date.parse(run.endedAt) - Date.parse(run.createdAt)) : '-',
  run.requestedBy,
  shortened(toTitle(run)),
]

const shortened = (text: string) =>
  text.length > MAX_COMMAND_LINE ? `${text.slice(0, MAX_COMMAND_LINE - 1)}…` : text

/** A plan is told apart from what applies it. */
const toTitle = (run: RunView) =>
  run.playbook ? `${run.playbook.mode} ${run.playbook.name}` : commandLine(run)

function whereOf({ target, total }: RunView): string {
  if (target.by === 'hosts') return hostCount(total)
  return target.by === 'all' ? 'all' : target.labels.join(' and ')
}

function stateOf({ endedAt, cancelRequested, stoppedAt, counts, total }: RunView): string {
  if (!endedAt) return cancelRequested ? 'asked to end' : stoppedAt ? 'stopping' : 'running'
  if (counts.success === total) return 'success'
  return stoppedAt ? 'stopped' : cancelRequested ? 'cancelled' : 'failed'
}

async function show(context: Context, given: string, { json, output }: Options): Promise<void> {
  const id = await resolveRunId(context.api, given)
  const summary = await context.api.call('summarizeRun', { params: { id } })
  if (json) {
    context.stdout.write(jsonDocument(summary))
    return
  }
  context.stdout.write(`${describe(summary.run)}\n`)
  tellSkipped(context, summary.run.skipped)
  if (summary.run.playbook) await showPlaybook(context, id)
  else await printReport(context, summary, { withOutput: output })
}

/** Of a playbook its tasks: what it writes is for the server, and is alike on no two hosts. */
async function showPlaybook({ api, stdout }: Context, id: string): Promise<void> {
  const view = await api.call('showPlaybookRun', { params: { id } })
  const toTasks = async (command: string) =>
    (await api.call('showPlaybookTasks', { params: { id: command } })).tasks
  stdout.write(await playbookReport(view, toTasks))
}

function describe(run: RunView): string {
  return fieldList([
    ['Id', run.id],
    ['Command', commandLine(run)],
    ['Playbook', run.playbook && toTitle(run)],
    ['Applies', run.playbook?.planId ?? null],
    ['Applied by', run.playbook?.appliedBy ?? null],
    ['Directory', run.cwd],
    ['Where', whereOf(run)],
    ['Limits', limitsInWords(run.limits)],
    ['State', stateOf(run)],
    ['Hosts', countsLine(run.counts)],
    ['Asked for', `${run.createdAt} by ${run.requestedBy}`],
    ['Saved command', run.savedCommand],
    ['Schedule', run.schedule],
    ['Stopped', run.stoppedAt],
    ['Ended', run.endedAt],
  ])
}

async function cancel(
  { api, stdout, notice }: Context,
  given: string,
  { json }: Pick<Options, 'json'>,
): Promise<void> {
  const id = await resolveRunId(api, given)
  const answer = await api.call('cancelRun', { params: { id } })
  if (json) stdout.write(jsonDocument(answer))
  else if (answer.run.endedAt) notice(`the run has ended: ${countsLine(answer.run.counts)}`)
  else notice(`asked the run to end: ${countsLine(answer.run.counts)}`)
}
