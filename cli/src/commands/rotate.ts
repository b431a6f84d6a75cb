import { sanitizeText } from '@rollcall/contracts'
import type { RotationHost } from '@rollcall/contracts/admin'
import { poll } from '../api/poll.ts'
import type { Context } from '../context.ts'
import { CliError, UsageError } from '../errors.ts'
import { jsonOption, seconds } from '../options/parsers.ts'
import { addTargetOptions, type TargetOptions, toTarget } from '../options/target-options.ts'
import type { AskingCommand } from '../output/answers.ts'
import { jsonDocument } from '../output/json.ts'
import { table } from '../output/table.ts'

interface Options extends TargetOptions {
  wait?: boolean
  timeout?: number
  json?: boolean
}

const DEFAULT_WAIT_MS = 120_000

const HELP = `
Replaces an agent's token, secret key, path, certificate and key. The agent accepts both the old and the new ones until the new
ones have worked. An offline host gets them when it returns; a rotation continues by itself through any restart.

Examples:
  rollcall rotate web-1 --wait
  rollcall rotate --label env=prod
  rollcall rotate status`

export function addCommands(program: AskingCommand, context: Context): void {
  const rotate = addTargetOptions(program.command('rotate [hosts...]'))
    .description('give agents new credentials, or show how old they are')
    .option('--wait', 'wait until all agents have them; exits with 1 otherwise')
    .option('--timeout <seconds>', 'how long to wait (default: 120)', seconds(1, 86_400))
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action((hosts: string[], options: Options) => start(context, hosts, options))
  rotate
    .command('status')
    .description('show the age of all credentials, and rotations under way')
    .printsAnswer(
      () => context.api.call('listRotations'),
      ({ hosts }) => toTable(hosts),
    )
}

async function start(context: Context, names: string[], options: Options): Promise<void> {
  const { api, stdout, stderr } = context
  const host = [...names, ...(options.host ?? [])]
  const body = toTarget({ ...options, ...(host.length > 0 && { host }) })
  if (!body) throw new UsageError('Say which hosts: their names, --label SELECTOR or --all.')
  const { hosts, skipped } = await api.call('startRotation', { body })
  for (const one of skipped) stderr.write(`skipped: ${one.host}: ${sanitizeText(one.reason, 300)}\n`)
  const shown = options.wait ? await waitForRotations(context, hosts, options.timeout) : hosts
  stdout.write(options.json ? jsonDocument({ hosts: shown }) : toTable(shown))
  const open = shown.filter(({ rotation }) => rotation !== null)
  if (options.wait && open.length > 0)
    throw new CliError(
      `${open.length} of ${shown.length} hosts do not have them yet. The rotation continues: see "rollcall rotate status".`,
    )
}

/** Waits until no rotation of these hosts is under way. Returns the hosts as they are then, or at the timeout. */
async function waitForRotations(
  { api }: Context,
  started: RotationHost[],
  timeoutMs = DEFAULT_WAIT_MS,
): Promise<RotationHost[]> {
  const ids = new Set(started.map(({ host }) => host.id))
  return poll(
    async () => (await api.call('listRotations')).hosts.filter(({ host }) => ids.has(host.id)),
    (hosts) => hosts.every(({ rotation }) => rotation === null),
    timeoutMs,
  )
}

const toTable = (hosts: readonly RotationHost[]): string =>
  table(
    ['HOST', 'CREDENTIALS SINCE', 'LAST ROTATED', 'UNDER WAY', 'REASON'],
    hosts.map(({ host, credentialsAt, rotatedAt, rotation }) => [
      host.name,
      credentialsAt,
      rotatedAt ?? 'never',
      rotation?.phase ?? '-',
      rotation?.reason ?? '-',
    ]),
  )
