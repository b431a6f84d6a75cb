import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { NewPlaybookRun, PlaybookRunView, PlaybookView, RunAccepted } from '@rollcall/contracts/admin'
import { isFinalState } from '@rollcall/contracts/admin/commands/schemas'
import { playbookVia } from '@rollcall/contracts/admin/playbooks/schemas'
import { InvalidArgumentError, Option } from 'commander'
import { poll } from '../api/poll.ts'
import { retrying } from '../api/retry.ts'
import type { Context } from '../context.ts'
import { UsageError } from '../errors.ts'
import { durationBetween } from '../options/duration.ts'
import {
  addRunTargetOptions,
  TARGET_HELP,
  type TargetOptions,
  toRunTarget,
} from '../options/target-options.ts'
import type { AskingCommand } from '../output/answers.ts'
import { playbookReport } from '../output/playbook-report.ts'
import { table } from '../output/table.ts'
import { addCollectionCommands } from './playbook/collections.ts'

const SEND_AGAIN_FOR_MS = 30_000

type Variables = Record<string, unknown>

interface Options extends TargetOptions {
  set?: Variables
  varsFile?: string
  diff?: boolean
  timeout?: number
  via?: NewPlaybookRun['via']
  json?: boolean
}

const HELP = `
${TARGET_HELP}
Variables are checked before any host is touched; "rollcall playbook show NAME" lists what the playbook takes. --set takes
NAME=VALUE, where VALUE may be JSON (8080, true, ["a"]). Give secrets with --vars-file, a JSON file; "-" is standard input.
--via auto, the default, uses the agent if it answers, and SSH otherwise.
Exit codes: 0 if all hosts succeeded, 1 otherwise.

Examples:
  rollcall playbook run check_service --all --set check_service_name=ssh
  rollcall playbook plan deploy_container --label env=prod --vars-file web.json
  rollcall playbook apply 3f2a9c1b-0000-4000-8000-000000000000 --batch 10% --stop-after 1`

export function addCommands(program: AskingCommand, context: Context): void {
  const { api } = context
  const report = (view: PlaybookRunView) =>
    playbookReport(view, async (id) => (await api.call('showPlaybookTasks', { params: { id } })).tasks)
  const playbook = program.command('playbook').description('list, plan and run playbooks')
  playbook
    .command('list', { isDefault: true })
    .description('list playbooks by name')
    .printsAnswer(
      () => api.call('listPlaybooks'),
      ({ playbooks }) =>
        table(
          ['NAME', 'DESCRIPTION'],
          playbooks.map(({ name, title }) => [name, title]),
        ),
    )
  playbook
    .command('show <name>')
    .description('show a playbook and its variables')
    .printsAnswer(
      (name: string) => api.call('showPlaybook', { params: { playbook: name } }),
      (answer) => describe(answer.playbook),
    )
  for (const mode of ['run', 'plan'] as const)
    withVariables(addRunTargetOptions(playbook.command(`${mode} <name>`)))
      .description(
        mode === 'run' ? 'run a playbook on hosts' : 'show what a playbook would change, and change nothing',
      )
      .addHelpText('after', HELP)
      .printsAnswer((name: string, options: Options) => run(context, mode, name, options), report)
  addRunTargetOptions(playbook.command('apply <plan-id>'))
    .description('apply a plan; a host that has changed since is left alone')
    .printsAnswer((planId: string, options: Options) => apply(context, planId, options), report)
  playbook
    .command('result <run-id>')
    .description('show the outcome of a run, plan or application on each host')
    .printsAnswer((runId: string, options: Options) => waitForEnd(context, runId, options), report)
  addCollectionCommands(playbook, context)
}

const withVariables = (command: AskingCommand) =>
  command
    .option('--set <name=value>', 'a variable; may be given again', oneVariable)
    .option('--vars-file <file>', 'variables as a JSON object')
    .option('--diff', 'show differences in files')
    .addOption(new Option('--via <transport>', 'how the hosts are reached').choices(playbookVia.options))
    .option(
      '--timeout <duration>',
      'stop it after this long, such as 90s or 10m',
      durationBetween(1000, 86_400_000),
    )

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

function describe({ title, description, variables }: PlaybookView): string {
  const rows = variables.map(({ name, type, elements, isRequired, choices, default: value, description }) => [
    name,
    elements === null ? type : `${type} of ${elements}`,
    isRequired ? 'required' : value === undefined ? '' : JSON.stringify(value),
    `${description}${choices ? ` One of ${choices.map(String).join(', ')}.` : ''}`,
  ])
  return `${table([title], [[description]], 1000)}\n${table(['VARIABLE', 'TYPE', 'DEFAULT', 'DESCRIPTION'], rows)}`
}

async function run(context: Context, mode: 'run' | 'plan', name: string, options: Options) {
  const { target, limits } = toRunTarget(options)
  if (!target) throw new UsageError('Say which hosts: --host NAME, --label SELECTOR or --all.')
  const { diff, timeout: timeoutMs, via } = options
  const runId = randomUUID()
  const variables = (await toVariables(options)) as Record<string, never>
  const body = { runId, mode, ...target, variables, limits, diff, via, timeoutMs }
  await send(context, () => context.api.call('runPlaybook', { params: { playbook: name }, body }))
  return waitForEnd(context, runId, options)
}

async function apply(context: Context, planId: string, options: Options) {
  const { target, limits } = toRunTarget(options)
  if (target)
    throw new UsageError(
      'A plan is applied to the hosts it was made for: leave out --host, --label and --all.',
    )
  const runId = randomUUID()
  const body = { runId, limits }
  await send(context, () => context.api.call('applyPlan', { params: { id: planId }, body }))
  return waitForEnd(context, runId, options)
}

/** Sends a request, again if its answer was lost: it carries our own run id, so nothing starts twice. */
async function send({ notice }: Context, request: () => Promise<RunAccepted>): Promise<void> {
  const { skipped } = await retrying(request, {
    forMs: SEND_AGAIN_FOR_MS,
    signal: new AbortController().signal,
    onFirstFailure: () => notice('the server does not answer, retrying…'),
  })
  for (const { host, reason } of skipped) notice(`skipped ${host}: ${reason}`)
}

/** Waits for a run to end, reporting each host as it ends. Returns the result. */
async function waitForEnd(context: Context, runId: string, { json }: Options): Promise<PlaybookRunView> {
  const { api, notice } = context
  const reported = new Set<string>()
  const reportEnded = ({ hosts }: PlaybookRunView) => {
    for (const { host, state } of hosts) {
      if (json || !isFinalState(state) || reported.has(host)) continue
      reported.add(host)
      notice(`${host}: ${state} (${reported.size} of ${hosts.length})`)
    }
  }
  const view = await poll(
    () => api.call('showPlaybookRun', { params: { id: runId } }),
    (seen) => {
      reportEnded(seen)
      return seen.run.endedAt !== null
    },
  )
  context.exitCode = view.hosts.every(({ state }) => state === 'success') ? 0 : 1
  return view
}
