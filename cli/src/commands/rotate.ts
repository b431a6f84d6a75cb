import { sanitizeText } from '@rollcall/contracts'
import type { RotationHost } from '@rollcall/contracts/admin'
import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { CliError, UsageError } from '../errors.ts'
import { jsonOption, seconds } from '../options.ts'
import { jsonDocument } from '../output/json.ts'
import { table } from '../output/table.ts'
import { addTargetOptions, targetOf, type WhereOptions } from './where-options.ts'

interface Options extends WhereOptions {
  wait?: boolean
  timeout?: number
  json?: boolean
}

const POLL_MS = 500
const DEFAULT_WAIT_MS = 120_000

const HELP = `
Token, secret key, path, certificate and key of an agent are replaced. The agent takes both the old and the new ones until the new ones have
worked. A host that is away gets them when it is back: it goes on by itself, whatever is killed meanwhile.

Examples:
  rollcall rotate web-1 --wait
  rollcall rotate --label env=prod
  rollcall rotate status`

export function addRotateCommands(program: Command, context: Context): void {
  const rotate = addTargetOptions(program.command('rotate [hosts...]'))
    .description('give agents new credentials, or see how old they are')
    .option('--wait', 'wait until every one has them; exit with 1 otherwise')
    .option('--timeout <seconds>', 'how long to wait (default: 120)', seconds(1, 86_400))
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action((hosts: string[], options: Options) => start(context, hosts, options))
  rotate
    .command('status')
    .description('how old the credentials of each agent are, and what is under way')
    .addOption(jsonOption())
    .action((_options: object, command: Command) => status(context, command.optsWithGlobals()))
}

async function start(context: Context, names: string[], options: Options): Promise<void> {
  const { api, stdout, stderr } = context
  const host = [...names, ...(options.host ?? [])]
  const body = targetOf({ ...options, ...(host.length > 0 && { host }) })
  if (!body) throw new UsageError('Say which hosts: their names, --label SELECTOR or --all.')
  const { hosts, skipped } = await api.call('startRotation', { body })
  for (const one of skipped) stderr.write(`left out: ${one.host}, ${sanitizeText(one.reason, 300)}\n`)
  const shown = options.wait ? await ended(context, hosts, options.timeout ?? DEFAULT_WAIT_MS) : hosts
  stdout.write(options.json ? jsonDocument({ hosts: shown }) : listing(shown))
  const left = shown.filter(({ rotation }) => rotation !== null)
  if (options.wait && left.length > 0)
    throw new CliError(
      `${left.length} of ${shown.length} have not got them yet. It goes on by itself: "rollcall rotate status" tells how far it is.`,
    )
}

/** The hosts as they are when none of the rotations is under way any more, or `timeoutMs` milliseconds later. */
async function ended({ api }: Context, begun: RotationHost[], timeoutMs: number): Promise<RotationHost[]> {
  const until = performance.now() + timeoutMs
  const ids = new Set(begun.map(({ host }) => host.id))
  for (;;) {
    const hosts = (await api.call('listRotations')).hosts.filter(({ host }) => ids.has(host.id))
    if (hosts.every(({ rotation }) => rotation === null) || performance.now() > until) return hosts
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

async function status({ api, stdout }: Context, { json }: Options): Promise<void> {
  const answer = await api.call('listRotations')
  stdout.write(json ? jsonDocument(answer) : listing(answer.hosts))
}

const listing = (hosts: readonly RotationHost[]): string =>
  table(
    ['HOST', 'CREDENTIALS SINCE', 'LAST ROTATED', 'UNDER WAY', 'WHY NOT YET'],
    hosts.map(({ host, credentialsAt, rotatedAt, rotation }) => [
      host.name,
      credentialsAt,
      rotatedAt ?? 'never',
      rotation?.phase ?? '-',
      rotation?.reason ?? '-',
    ]),
  )
