import type { FieldError } from '@rollcall/contracts'
import type { HeartbeatProfile } from '@rollcall/contracts/admin'
import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { UsageError } from '../errors.ts'
import { durationBetween, durationText } from '../input/duration.ts'
import { collectPairs, jsonOption } from '../options.ts'
import { jsonDocument } from '../output/json.ts'
import { table } from '../output/table.ts'
import { labelList } from '../output/words.ts'
import { inTermsOf, labelTerm } from './field-terms.ts'

const MIN_INTERVAL_MS = 1000
const MIN_OFFLINE_MS = 2000
const DAY_MS = 86_400_000
const DEFAULT_PROFILE = 'default'

const HELP = `
Each agent is called at a random time between --min and --max after its last call. With --offline-after a host that has
not answered for so long is offline, whatever retries are left; without, it is when all retries have failed.
With --label the profile is for the hosts that have all of these labels; "rollcall host set NAME --profile" gives it to
one host. Durations are written as 500ms, 20s, 1m or 2h.`

const ADD_EXAMPLE = `
Example:
  rollcall profile add ha --min 4s --max 6s --offline-after 15s --label tier=ha`

const SET_EXAMPLE = `
What is not named stays as it is; --label names all labels from now on.

Example:
  rollcall profile set default --min 30s --max 90s`

interface Options {
  min?: number
  max?: number
  /** False for --no-offline-after. */
  offlineAfter?: number | false
  /** False for --no-labels. */
  label?: Record<string, string>
  labels?: boolean
  json?: boolean
}

export function addProfileCommands(program: Command, context: Context): void {
  const profile = program
    .command('profile')
    .description('heartbeat profiles: how often which hosts are called')
  profile
    .command('list')
    .description('all heartbeat profiles')
    .addOption(jsonOption())
    .action((options: Options) => list(context, options))
  addBounds(profile.command('add <name>').description('add a heartbeat profile'), true)
    .option('--label <key=value>', 'for hosts with this label; may be given again', collectPairs)
    .addOption(jsonOption())
    .addHelpText('after', `${HELP}\n${ADD_EXAMPLE}`)
    .action((name: string, options: Options) => add(context, name, options))
  addBounds(
    profile
      .command('set <name>')
      .description('change a heartbeat profile, for its hosts from their next call on'),
    false,
  )
    .option('--no-offline-after', 'offline when all retries have failed')
    .option('--label <key=value>', 'for hosts with this label; may be given again', collectPairs)
    .option('--no-labels', 'for no host by its labels')
    .addOption(jsonOption())
    .addHelpText('after', `${HELP}\n${SET_EXAMPLE}`)
    .action((name: string, options: Options) => change(context, name, options))
  profile
    .command('remove <name>')
    .description('remove a heartbeat profile that no host names')
    .addOption(jsonOption())
    .action((name: string, options: Options) => remove(context, name, options))
}

function addBounds(command: Command, isRequired: boolean): Command {
  const interval = durationBetween(MIN_INTERVAL_MS, DAY_MS)
  const least = ['--min <duration>', 'least time between two calls', interval] as const
  const most = ['--max <duration>', 'most time between two calls', interval] as const
  if (isRequired) command.requiredOption(...least).requiredOption(...most)
  else command.option(...least).option(...most)
  return command.option(
    '--offline-after <duration>',
    'offline when there was no answer for so long',
    durationBetween(MIN_OFFLINE_MS, DAY_MS),
  )
}

async function list({ api, stdout }: Context, { json }: Options): Promise<void> {
  const answer = await api.call('listHeartbeatProfiles')
  stdout.write(json ? jsonDocument(answer) : tableOf(answer.profiles))
}

const tableOf = (profiles: readonly HeartbeatProfile[]) =>
  table(
    ['NAME', 'CALLED EVERY', 'OFFLINE', 'FOR HOSTS'],
    profiles.map(({ name, minMs, maxMs, offlineAfterMs, labels }) => [
      name,
      `${durationText(minMs)} to ${durationText(maxMs)}`,
      offlineAfterMs === null ? 'when all retries failed' : `after ${durationText(offlineAfterMs)}`,
      hostsOf(name, labels),
    ]),
  )

function hostsOf(name: string, labels: HeartbeatProfile['labels']): string {
  if (labels) return `with ${labelList(labels)}`
  return name === DEFAULT_PROFILE ? 'that no other one is for' : 'that name it'
}

async function add(context: Context, name: string, options: Options): Promise<void> {
  const { min = 0, max = 0, offlineAfter, label } = options
  const { profile } = await inTermsOf(
    inWordsOfOptions,
    context.api.call('addHeartbeatProfile', {
      body: {
        name,
        minMs: min,
        maxMs: max,
        ...(typeof offlineAfter === 'number' && { offlineAfterMs: offlineAfter }),
        ...(label && { labels: label }),
      },
    }),
  )
  show(context, profile, options)
}

async function change(context: Context, name: string, options: Options): Promise<void> {
  const { min, max, offlineAfter, label, labels } = options
  if (label && labels === false) throw new UsageError('Give either --label or --no-labels, not both.')
  const body = {
    ...(min !== undefined && { minMs: min }),
    ...(max !== undefined && { maxMs: max }),
    ...(offlineAfter !== undefined && { offlineAfterMs: offlineAfter === false ? null : offlineAfter }),
    ...(label && { labels: label }),
    ...(labels === false && { labels: null }),
  }
  if (Object.keys(body).length === 0)
    throw new UsageError(
      'Say what to change: --min, --max, --offline-after, --no-offline-after, --label or --no-labels.',
    )
  const { profile } = await inTermsOf(
    inWordsOfOptions,
    context.api.call('changeHeartbeatProfile', { params: { profile: name }, body }),
  )
  show(context, profile, options)
}

async function remove({ api, stdout, notice }: Context, name: string, { json }: Options): Promise<void> {
  const answer = await api.call('removeHeartbeatProfile', { params: { profile: name } })
  if (json) stdout.write(jsonDocument(answer))
  else notice(`the heartbeat profile ${name} is removed`)
}

function show({ stdout }: Context, profile: HeartbeatProfile, { json }: Options): void {
  stdout.write(json ? jsonDocument({ profile }) : tableOf([profile]))
}

const OPTION_OF_BOUND: Readonly<Record<string, string>> = {
  minMs: '--min',
  maxMs: '--max',
  offlineAfterMs: '--offline-after',
}
const BOUND_OR_NUMBER = /\b(minMs|maxMs|offlineAfterMs|\d+)\b/g

/** Milliseconds as one would write them in the option that the field comes from. */
function inWordsOfOptions({ field, message }: FieldError): FieldError {
  const option = OPTION_OF_BOUND[field]
  if (option === undefined) return { field: labelTerm(field), message }
  const said = message.replace(BOUND_OR_NUMBER, (word) => OPTION_OF_BOUND[word] ?? durationText(Number(word)))
  return { field: option, message: said }
}
