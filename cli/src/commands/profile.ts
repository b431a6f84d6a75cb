import type { FieldError } from '@rollcall/contracts'
import type { HeartbeatProfile } from '@rollcall/contracts/admin'
import type { Context } from '../context.ts'
import { UsageError } from '../errors.ts'
import { durationBetween, durationText } from '../options/duration.ts'
import { collectPairs, hasValues } from '../options/parsers.ts'
import { renameFields, toLabelOption } from '../options/rename-fields.ts'
import type { AskingCommand } from '../output/answers.ts'
import { formatLabels } from '../output/format-command.ts'
import { table } from '../output/table.ts'

const MIN_INTERVAL_MS = 1000
const MIN_OFFLINE_MS = 2000
const DAY_MS = 86_400_000
const DEFAULT_PROFILE = 'default'

const HELP = `
Each agent is called at a random time between --min and --max after its last call. With --offline-after, a host is offline when
it has not answered for that long, even if retries are left; without it, when all retries have failed.
With --label the profile applies to hosts that have all of these labels; "rollcall host set NAME --profile" assigns it to one
host. Durations are written as 500ms, 20s, 1m or 2h.`

const ADD_EXAMPLE = `
Example:
  rollcall profile add ha --min 4s --max 6s --offline-after 15s --label tier=ha`

const SET_EXAMPLE = `
What is not given stays unchanged; --label replaces all labels.

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
}

export function addCommands(program: AskingCommand, context: Context): void {
  const { api } = context
  const profile = program
    .command('profile')
    .description('manage heartbeat profiles: how often hosts are called')
  const labelOption = [
    '--label <key=value>',
    'for hosts with this label; may be given again',
    collectPairs,
  ] as const
  profile
    .command('list')
    .description('list heartbeat profiles')
    .printsAnswer(
      () => api.call('listHeartbeatProfiles'),
      ({ profiles }) => toTable(profiles),
    )
  addBounds(profile.command('add <name>').description('add a heartbeat profile'), true)
    .option(...labelOption)
    .addHelpText('after', `${HELP}\n${ADD_EXAMPLE}`)
    .printsAnswer(
      (name: string, options: Options) =>
        renameFields(toOptionName, api.call('addHeartbeatProfile', { body: toNewProfile(name, options) })),
      ({ profile }) => toTable([profile]),
    )
  addBounds(profile.command('set <name>').description('change a heartbeat profile'), false)
    .option('--no-offline-after', 'offline when all retries have failed')
    .option(...labelOption)
    .option('--no-labels', 'for no host by its labels')
    .addHelpText('after', `${HELP}\n${SET_EXAMPLE}`)
    .printsAnswer(
      async (name: string, options: Options) => {
        const request = { params: { profile: name }, body: toChange(options) }
        return renameFields(toOptionName, api.call('changeHeartbeatProfile', request))
      },
      ({ profile }) => toTable([profile]),
    )
  profile
    .command('remove <name>')
    .description('remove a heartbeat profile that no host is assigned to')
    .reportsChange(
      (name: string) => api.call('removeHeartbeatProfile', { params: { profile: name } }),
      () => 'removed',
    )
}

function addBounds(command: AskingCommand, isRequired: boolean): AskingCommand {
  const interval = durationBetween(MIN_INTERVAL_MS, DAY_MS)
  const least = ['--min <duration>', 'shortest time between two calls', interval] as const
  const most = ['--max <duration>', 'longest time between two calls', interval] as const
  if (isRequired) command.requiredOption(...least).requiredOption(...most)
  else command.option(...least).option(...most)
  return command.option(
    '--offline-after <duration>',
    'offline after this long without an answer',
    durationBetween(MIN_OFFLINE_MS, DAY_MS),
  )
}

const toTable = (profiles: readonly HeartbeatProfile[]) =>
  table(
    ['NAME', 'CALLED EVERY', 'OFFLINE', 'FOR HOSTS'],
    profiles.map(({ name, minMs, maxMs, offlineAfterMs, labels }) => [
      name,
      `${durationText(minMs)} to ${durationText(maxMs)}`,
      offlineAfterMs === null ? 'when all retries failed' : `after ${durationText(offlineAfterMs)}`,
      formatHosts(name, labels),
    ]),
  )

function formatHosts(name: string, labels: HeartbeatProfile['labels']): string {
  if (labels) return `with ${formatLabels(labels)}`
  return name === DEFAULT_PROFILE ? 'all others' : 'assigned ones'
}

const toNewProfile = (name: string, { min = 0, max = 0, offlineAfter, label }: Options) => ({
  name,
  minMs: min,
  maxMs: max,
  offlineAfterMs: typeof offlineAfter === 'number' ? offlineAfter : undefined,
  labels: label,
})

function toChange({ min, max, offlineAfter, label, labels }: Options) {
  if (label && labels === false) throw new UsageError('Give either --label or --no-labels, not both.')
  const body = {
    minMs: min,
    maxMs: max,
    offlineAfterMs: offlineAfter === false ? null : offlineAfter,
    labels: labels === false ? null : label,
  }
  if (hasValues(body)) return body
  throw new UsageError(
    'Say what to change: --min, --max, --offline-after, --no-offline-after, --label or --no-labels.',
  )
}

const BOUND_OPTIONS: Readonly<Record<string, string>> = {
  minMs: '--min',
  maxMs: '--max',
  offlineAfterMs: '--offline-after',
}
const BOUND_OR_NUMBER = /\b(minMs|maxMs|offlineAfterMs|\d+)\b/g

/** Names the option that a field comes from, and writes its milliseconds as durations. */
function toOptionName({ field, message }: FieldError): FieldError {
  const option = BOUND_OPTIONS[field]
  if (option === undefined) return { field: toLabelOption(field), message }
  const said = message.replace(BOUND_OR_NUMBER, (word) => BOUND_OPTIONS[word] ?? durationText(Number(word)))
  return { field: option, message: said }
}
