import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type { NewPlaybookRun, PlaybookView, RunAccepted } from '@rollcall/contracts/admin'
import { isFinalState } from '@rollcall/contracts/admin/commands/schemas'
import { playbookVia } from '@rollcall/contracts/admin/playbooks/schemas'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { retrying } from '../api/retry.ts'
import type { Context } from '../context.ts'
import { UsageError } from '../errors.ts'
import { durationBetween } from '../input/duration.ts'
import { jsonOption } from '../options.ts'
import { jsonDocument } from '../output/json.ts'
import { playbookReport, type TasksOf } from '../output/playbook-report.ts'
import { table } from '../output/table.ts'
import { addCollectionCommands } from './playbook-collections.ts'
import { addWhereOptions, limitsOf, targetOf, WHERE_HELP, type WhereOptions } from './where-options.ts'

const POLL_MS = 500
const SEND_AGAIN_FOR_MS = 30_000

type Variables = Record<string, unknown>

interface Options extends WhereOptions {
  set?: Variables
  varsFile?: string
  diff?: boolean
  timeout?: number
  via?: NewPlaybookRun['via']
  json?: boolean
}

const HELP = `
${WHERE_HELP}
Variables are checked against what the playbook takes ("rollcall playbook show NAME") before any host is touched. --set takes
NAME=VALUE; a value that is JSON (8080, true, ["a"]) counts as such. Give secrets by --vars-file, a file of JSON: "-" is standard input.
--via auto, the default, goes through the agent where it answers, and over SSH where it does not.
Exit codes: 0 all hosts succeeded, 1 otherwise.

Examples:
  rollcall playbook run check_service --all --set check_service_name=ssh
  rollcall playbook plan deploy_container --label env=prod --vars-file web.json
  rollcall playbook apply 3f2a9c1b-0000-4000-8000-000000000000 --batch 10% --stop-after 1`

export function addPlaybookCommands(program: Command, context: Context): void {
  const playbook = program.command('playbook').description('playbooks: what hosts should be like')
  playbook
    .command('list', { isDefault: true })
    .description('all of them, by name')
    .addOption(jsonOption())
    .action((options: Options) => list(context, options))
  playbook
    .command('show <name>')
    .description('one of them, with the variables that it takes')
    .addOption(jsonOption())
    .action((name: string, options: Options) => show(context, name, options))
  for (const mode of ['run', 'plan'] as const)
    withVariables(addWhereOptions(playbook.command(`${mode} <name>`)))
      .description(mode === 'run' ? 'run one on hosts' : 'see what it would change, and change nothing')
      .addOption(jsonOption())
      .addHelpText('after', HELP)
      .action((name: string, options: Options) => run(context, mode, name, options))
  addWhereOptions(playbook.command('apply <plan-id>'))
    .description('do what a plan says; a host that has changed since is left as it is')
    .addOption(jsonOption())
    .action((planId: string, options: Options) => apply(context, planId, options))
  playbook
    .command('result <run-id>')
    .description('what became of a run, plan or application on each host')
    .addOption(jsonOption())
    .action((runId: string, options: Options) => report(context, runId, options))
  addCollectionCommands(playbook, context)
}

const withVariables = (command: Command) =>
  command
    .option('--set <name=value>', 'a variable; may be given again', oneVariable)
    .option('--vars-file <file>', 'variables as a JSON object')
    .option('--diff', 'tell what is different in files')
    .addOption(new Option('--via <way>', 'how it comes to the hosts').choices(playbookVia.options))
    .option('--timeout <duration>', 'end it after so long, as 90s or 10m', durationBetween(1000, 86_400_000))

function oneVariable(text: string, before: Variables = {}): Variables {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('It must be NAME=VALUE.')
  return { ...before, [text.slice(0, at)]: jsonOrText(text.slice(at + 1)) }
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return text
    throw error
  }
}

async function toVariables({ set, varsFile }: Options): Promise<Variables> {
  if (varsFile === undefined) return set ?? {}
  const text = await readFile(varsFile === '-' ? '/dev/stdin' : varsFile, 'utf8')
  const given = jsonOrText(text)
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new UsageError(`${varsFile} must hold a JSON object of variables.`)
  return { ...given, ...set }
}

async function list({ api, stdout }: Context, { json }: Options): Promise<void> {
  const answer = await api.call('listPlaybooks')
  stdout.write(
    json
      ? jsonDocument(answer)
      : table(
          ['NAME', 'WHAT IT DOES'],
          answer.playbooks.map(({ name, title }) => [name, title]),
        ),
  )
}

async function show({ api, stdout }: Context, name: string, { json }: Options): Promise<void> {
  const answer = await api.call('showPlaybook', { params: { playbook: name } })
  stdout.write(json ? jsonDocument(answer) : describe(answer.playbook))
}

function describe({ title, description, variables }: PlaybookView): string {
  const rows = variables.map(({ name, type, elements, isRequired, choices, default: value, description }) => [
    name,
    elements === null ? type : `${type} of ${elements}`,
    isRequired ? 'required' : value === undefined ? '' : JSON.stringify(value),
    `${description}${choices ? ` One of ${choices.map(String).join(', ')}.` : ''}`,
  ])
  return `${table([title], [[description]], 1000)}\n${table(['VARIABLE', 'TYPE', 'DEFAULT', 'WHAT IT IS'], rows)}`
}

async function run(context: Context, mode: 'run' | 'plan', name: string, options: Options): Promise<void> {
  const target = targetOf(options)
  if (!target) throw new UsageError('Say where: --host NAME, --label SELECTOR or --all.')
  const limits = limitsOf(options)
  const { diff, timeout, via } = options
  const runId = randomUUID()
  const body = {
    runId,
    mode,
    ...target,
    variables: (await toVariables(options)) as Record<string, never>,
    ...(limits && { limits }),
    ...(diff && { diff }),
    ...(via && { via }),
    ...(timeout !== undefined && { timeoutMs: timeout }),
  }
  await send(context, () => context.api.call('runPlaybook', { params: { playbook: name }, body }))
  await report(context, runId, options)
}

async function apply(context: Context, planId: string, options: Options): Promise<void> {
  if (targetOf(options)) throw new UsageError('A plan is applied to the hosts that it was made for.')
  const limits = limitsOf(options)
  const runId = randomUUID()
  const body = { runId, ...(limits && { limits }) }
  await send(context, () => context.api.call('applyPlan', { params: { id: planId }, body }))
  await report(context, runId, options)
}

/** The id is ours, so a request whose answer was lost is sent again without starting anything twice. */
async function send({ notice }: Context, request: () => Promise<RunAccepted>): Promise<void> {
  const { skipped } = await retrying(request, {
    forMs: SEND_AGAIN_FOR_MS,
    signal: new AbortController().signal,
    onFirstFailure: () => notice('the server does not answer, trying again…'),
  })
  for (const { host, reason } of skipped) notice(`left out ${host}: ${reason}`)
}

/** Waits for its end, telling of each host that has ended, and then shows it whole. */
async function report(context: Context, runId: string, { json }: Options): Promise<void> {
  const { api, stdout, notice } = context
  const told = new Set<string>()
  for (;;) {
    const view = await api.call('showPlaybookRun', { params: { id: runId } })
    for (const { host, state } of view.hosts) {
      if (json || !isFinalState(state) || told.has(host)) continue
      told.add(host)
      notice(`${host}: ${state} (${told.size} of ${view.hosts.length})`)
    }
    if (view.run.endedAt !== null) {
      context.exitCode = view.hosts.every(({ state }) => state === 'success') ? 0 : 1
      const tasks: TasksOf = async (id) => (await api.call('showPlaybookTasks', { params: { id } })).tasks
      stdout.write(json ? jsonDocument(view) : await playbookReport(view, tasks))
      return
    }
    await delay(POLL_MS)
  }
}
