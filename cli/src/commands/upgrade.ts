import { sanitizeText } from '@rollcall/contracts'
import type { NewUpgradeInput, UpgradeDetail, UpgradeView } from '@rollcall/contracts/admin'
import { UPGRADE_HOST_STATE } from '@rollcall/contracts/admin/upgrades/schemas'
import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { CliError, UsageError } from '../errors.ts'
import { jsonOption, seconds, wholeNumber } from '../options.ts'
import { jsonDocument } from '../output/json.ts'
import { table } from '../output/table.ts'
import { addTargetOptions, batchSize, targetOf, type WhereOptions } from './where-options.ts'

interface Options extends WhereOptions {
  release?: string
  canary?: number
  gate?: number
  wait?: boolean
  json?: boolean
}

const POLL_MS = 500

const LEGEND = UPGRADE_HOST_STATE.names
  .map((state) => `${UPGRADE_HOST_STATE.describe(state).sign} ${state.replaceAll('_', ' ')}`)
  .join('   ')

const HELP = `
The canary goes first. When it is well for --gate seconds the first batch follows, and so on. A canary that is not upgraded, or
--stop-after hosts that are not, stop the upgrade: no further host is touched. A new agent that does not come up, or that the server
cannot reach, is replaced by the old one on the host itself, also after a loss of power.

  ${LEGEND}

Examples:
  rollcall upgrade plan --all
  rollcall upgrade start --label env=prod --canary 2 --batch 25% --wait
  rollcall upgrade pause 3f2a9c1b-0000-4000-8000-000000000001`

export function addUpgradeCommands(program: Command, context: Context): void {
  const upgrade = program
    .command('upgrade')
    .description('bring agents to another release, ring by ring')
    .addHelpText('after', HELP)
  upgrade
    .command('list', { isDefault: true })
    .description('the last upgrades, newest first')
    .addOption(jsonOption())
    .action((options: Options) => list(context, options))
  addRingOptions(upgrade.command('plan'))
    .description('which hosts would be taken in which ring; nothing is begun')
    .action((options: Options) => plan(context, options))
  addRingOptions(upgrade.command('start'))
    .description('begin an upgrade')
    .option('--wait', 'wait until it has ended; exit with 1 unless every host was upgraded')
    .action((options: Options) => start(context, options))
  upgrade
    .command('status <id>')
    .description('an upgrade with each of its hosts')
    .addOption(jsonOption())
    .action((id: string, options: Options) => status(context, id, options))
  for (const [word, route, told] of [
    ['pause', 'pauseUpgrade', 'begin on no further host until it is resumed'],
    ['resume', 'resumeUpgrade', 'go on with a paused upgrade'],
    ['cancel', 'cancelUpgrade', 'begin on no further host; those under way go on to their end'],
  ] as const)
    upgrade
      .command(`${word} <id>`)
      .description(told)
      .action(async (id: string) => {
        const { upgrade: changed } = await context.api.call(route, { params: { id } })
        context.stdout.write(`${inWords(changed)}\n`)
      })
}

function addRingOptions(command: Command): Command {
  return addTargetOptions(command)
    .option('--release <version>', "the release (default: the server's own)")
    .option('--canary <number>', 'hosts that go first; 0 for none (default: 1)', wholeNumber(0, 1000))
    .option('--batch <number|share>', 'hosts of each further ring (default: 25%)', batchSize)
    .option(
      '--gate <seconds>',
      'how long a ring must be well before the next (default: 5)',
      seconds(0, 86_400),
    )
    .option(
      '--stop-after <failures>',
      'stop when so many hosts were not upgraded (default: 1)',
      wholeNumber(1, 10_000),
    )
    .addOption(jsonOption())
}

function toBody(options: Options): NewUpgradeInput {
  const { release, canary, batch, gate, stopAfter } = options
  const target = targetOf(options)
  if (!target) throw new UsageError('Say which hosts: --host NAMES, --label SELECTOR or --all.')
  return {
    ...target,
    ...(release !== undefined && { version: release }),
    rings: {
      ...(canary !== undefined && { canary }),
      ...(batch !== undefined && { batch }),
      ...(gate !== undefined && { gateMs: gate }),
      ...(stopAfter !== undefined && { stopAfterFailures: stopAfter }),
    },
  }
}

async function list({ api, stdout }: Context, { json }: Options): Promise<void> {
  const answer = await api.call('listUpgrades')
  if (json) return void stdout.write(jsonDocument(answer))
  stdout.write(
    table(
      ['ID', 'RELEASE', 'STATE', 'UPGRADED', 'HOSTS', 'BY', 'BEGUN'],
      answer.upgrades.map((one) => [
        one.id,
        one.version,
        one.state,
        String(one.counts.upgraded),
        String(one.total),
        one.requestedBy,
        one.createdAt,
      ]),
    ),
  )
}

async function plan({ api, stdout }: Context, options: Options): Promise<void> {
  const answer = await api.call('planUpgrade', { body: toBody(options) })
  if (options.json) return void stdout.write(jsonDocument(answer))
  stdout.write(`to ${answer.version}\n`)
  for (const { ring, hosts } of answer.rings) stdout.write(`ring ${ring}: ${hosts.join(' ')}\n`)
  for (const { host, reason } of answer.skipped)
    stdout.write(`left out: ${host}, ${sanitizeText(reason, 300)}\n`)
}

async function start(context: Context, options: Options): Promise<void> {
  const { api, stdout } = context
  const { upgrade, skipped } = await api.call('startUpgrade', { body: toBody(options) })
  for (const { host, reason } of skipped)
    context.stderr.write(`left out: ${host}, ${sanitizeText(reason, 300)}\n`)
  if (!options.wait) return void stdout.write(options.json ? jsonDocument({ upgrade }) : `${upgrade.id}\n`)
  const detail = await ended(context, upgrade.id)
  stdout.write(options.json ? jsonDocument(detail) : picture(detail))
  if (detail.upgrade.counts.upgraded !== detail.upgrade.total) throw new CliError(inWords(detail.upgrade))
}

async function ended({ api }: Context, id: string): Promise<UpgradeDetail> {
  for (;;) {
    const detail = await api.call('showUpgrade', { params: { id } })
    if (detail.upgrade.endedAt !== null) return detail
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

async function status({ api, stdout }: Context, id: string, { json }: Options): Promise<void> {
  const detail = await api.call('showUpgrade', { params: { id } })
  stdout.write(json ? jsonDocument(detail) : picture(detail))
}

/** A line a ring with a dot a host, and then whatever is not as it should be. */
function picture({ upgrade, hosts }: UpgradeDetail): string {
  const rings = [...Map.groupBy(hosts, ({ ring }) => ring)].map(
    ([ring, members]) =>
      `ring ${ring}  ${members.map(({ state }) => UPGRADE_HOST_STATE.describe(state).sign).join('')}\n`,
  )
  const told = hosts
    .filter(({ reason }) => reason !== null)
    .map(({ host, state, reason }) => `${host.name}: ${state}: ${sanitizeText(reason ?? '', 1000)}\n`)
  return `${inWords(upgrade)}\n${rings.join('')}${told.join('')}`
}

const inWords = ({ version, state, counts, total, reason }: UpgradeView): string =>
  `to ${version}: ${state}, ${counts.upgraded} of ${total} upgraded${reason === null ? '' : `. ${sanitizeText(reason, 1000)}`}`
