import type { HostView } from '@rollcall/contracts/admin'
import { type Command, InvalidArgumentError } from 'commander'
import type { Context } from '../context.ts'
import { UsageError } from '../errors.ts'
import { collectNames, collectPairs, jsonOption } from '../options.ts'
import { jsonDocument } from '../output/json.ts'
import { fieldList } from '../output/table.ts'
import { labelList } from '../output/words.ts'
import { inTermsOf, labelTerm } from './field-terms.ts'

interface Options {
  label?: Record<string, string>
  removeLabel?: string[]
  /** False for --no-profile. */
  profile?: string | false
  autoReinstall?: boolean
  json?: boolean
}

const HELP = `
What is not named stays as it is. Of two people who change the labels of one host in the same second, the later one is told
and changes nothing.

Examples:
  rollcall host set web-1 --label env=prod --label rack=b4 --remove-label old
  rollcall host set db-1 --profile ha --auto-reinstall off`

export function addHostSetCommand(host: Command, context: Context): void {
  host
    .command('set <name>')
    .description('change labels, heartbeat profile or automatic reinstallation of a host')
    .option('--label <key=value>', 'add or change a label; may be given again', collectPairs)
    .option('--remove-label <key>', 'remove a label; may be given again', collectNames)
    .option('--profile <name>', 'call it as this heartbeat profile says, whatever its labels')
    .option('--no-profile', 'let its labels decide how it is called')
    .option('--auto-reinstall <on|off>', 'install a silent agent again by itself while SSH works', onOrOff)
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action((name: string, options: Options) => set(context, name, options))
}

function onOrOff(text: string): boolean {
  if (text === 'on' || text === 'off') return text === 'on'
  throw new InvalidArgumentError('It must be on or off.')
}

async function set(context: Context, name: string, options: Options): Promise<void> {
  const { label: added = {}, removeLabel: removed = [], profile, autoReinstall } = options
  const both = removed.find((key) => Object.hasOwn(added, key))
  if (both !== undefined)
    throw new UsageError(`The label ${both} is both in --label and in --remove-label: give one of them.`)
  const hasLabels = Object.keys(added).length + removed.length > 0
  if (!hasLabels && profile === undefined && autoReinstall === undefined)
    throw new UsageError(
      'Say what to change: --label, --remove-label, --profile, --no-profile or --auto-reinstall.',
    )
  const { api, stdout } = context
  const body = {
    ...(hasLabels && (await changedLabels(context, name, added, removed))),
    ...(profile !== undefined && { heartbeatProfile: profile === false ? null : profile }),
    ...(autoReinstall !== undefined && { autoReinstall }),
  }
  const answer = await inTermsOf(
    ({ field, message }) => ({
      field: field === 'heartbeatProfile' ? '--profile' : labelTerm(field),
      message,
    }),
    api.call('changeHost', { params: { host: name }, body }),
  )
  stdout.write(options.json ? jsonDocument(answer) : describe(answer.host))
}

/** All labels that the host shall have, since the server knows no other way to change them; and those that it has now. */
async function changedLabels(
  { api, notice }: Context,
  name: string,
  added: Readonly<Record<string, string>>,
  removed: readonly string[],
): Promise<{ labels: Record<string, string>; ifLabels: Record<string, string> }> {
  const { host } = await api.call('showHost', { params: { host: name } })
  for (const key of removed)
    if (!Object.hasOwn(host.labels, key)) notice(`${host.name} has no label ${key}; nothing to remove`)
  const kept = Object.entries(host.labels).filter(([key]) => !removed.includes(key))
  return { labels: { ...Object.fromEntries(kept), ...added }, ifLabels: host.labels }
}

const describe = (host: HostView) =>
  fieldList([
    ['Host', host.name],
    ['Labels', labelList(host.labels)],
    ['Profile', host.heartbeatProfile ?? 'as its labels decide'],
    ['Auto-reinstall', host.autoReinstall ? 'on' : 'off'],
  ])
