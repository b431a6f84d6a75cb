import { sanitizeText } from '@rollcall/contracts'
import type {
  AdminResponse,
  NewUpgradeInput,
  SkippedHost,
  UpgradeDetail,
  UpgradeView,
} from '@rollcall/contracts/admin'
import { UPGRADE_HOST_STATE } from '@rollcall/contracts/admin/upgrades/schemas'
import { poll } from '../api/poll.ts'
import type { Context } from '../context.ts'
import { CliError, UsageError } from '../errors.ts'
import { jsonOption, seconds, wholeNumber } from '../options/parsers.ts'
import { addTargetOptions, batchSize, type TargetOptions, toTarget } from '../options/target-options.ts'
import type { AskingCommand } from '../output/answers.ts'
import { jsonDocument } from '../output/json.ts'
import { table } from '../output/table.ts'

interface Options extends TargetOptions {
  release?: string
  canary?: number
  gate?: number
}

interface StartOptions extends Options {
  wait?: boolean
  json?: boolean
}

const LEGEND = UPGRADE_HOST_STATE.names
  .map((state) => `${UPGRADE_HOST_STATE.describe(state).sign} ${state.replaceAll('_', ' ')}`)
  .join('   ')

const HELP = `
The canary goes first. Once it has been healthy for --gate seconds, the first batch follows, and so on. If the canary fails, or
--stop-after hosts fail, the upgrade stops and no further host is touched. A host restores its old agent by itself if the new one
does not start or cannot be reached, also after a power failure.

  ${LEGEND}

Examples:
  rollcall upgrade plan --all
  rollcall upgrade start --label env=prod --canary 2 --batch 25% --wait
  rollcall upgrade pause 3f2a9c1b-0000-4000-8000-000000000001`

export function addCommands(program: AskingCommand, context: Context): void {
  const { api } = context
  const upgrade = program
    .command('upgrade')
    .description('upgrade agents, ring by ring')
    .addHelpText('after', HELP)
  upgrade
    .command('list', { isDefault: true })
    .description('list recent upgrades, newest first')
    .printsAnswer(
      () => api.call('listUpgrades'),
      ({ upgrades }) =>
        table(['ID', 'RELEASE', 'STATE', 'UPGRADED', 'HOSTS', 'BY', 'STARTED'], upgrades.map(toRow)),
    )
  addRingOptions(
    upgrade.command('plan').description('show which hosts each ring would hold; nothing is started'),
  ).printsAnswer(async (options: Options) => api.call('planUpgrade', { body: toBody(options) }), formatPlan)
  addRingOptions(upgrade.command('start').description('start an upgrade'))
    .option('--wait', 'wait until it has ended; exits with 1 unless every host was upgraded')
    .addOption(jsonOption())
    .action((options: StartOptions) => start(context, options))
  upgrade
    .command('status <id>')
    .description('show an upgrade and its hosts')
    .printsAnswer((id: string) => api.call('showUpgrade', { params: { id } }), formatDetail)
  for (const [word, route, description] of [
    ['pause', 'pauseUpgrade', 'start on no further host until it is resumed'],
    ['resume', 'resumeUpgrade', 'continue a paused upgrade'],
    ['cancel', 'cancelUpgrade', 'start on no further host; hosts under way are finished'],
  ] as const)
    upgrade
      .command(`${word} <id>`)
      .description(description)
      .printsAnswer(
        (id: string) => api.call(route, { params: { id } }),
        ({ upgrade: changed }) => `${formatUpgrade(changed)}\n`,
      )
}

function addRingOptions(command: AskingCommand): AskingCommand {
  return addTargetOptions(command)
    .option('--release <version>', "the release to install (default: the server's own)")
    .option('--canary <number>', 'how many hosts go first; 0 for none (default: 1)', wholeNumber(0, 1000))
    .option('--batch <number|share>', 'size of each further ring (default: 25%)', batchSize)
    .option(
      '--gate <seconds>',
      'how long a ring must stay healthy before the next one (default: 5)',
      seconds(0, 86_400),
    )
    .option(
      '--stop-after <failures>',
      'stop after this many hosts failed (default: 1)',
      wholeNumber(1, 10_000),
    )
}

function toBody(options: Options): NewUpgradeInput {
  const { release, canary, batch, gate, stopAfter } = options
  const target = toTarget(options)
  if (!target) throw new UsageError('Say which hosts: --host NAMES, --label SELECTOR or --all.')
  return { ...target, version: release, rings: { canary, batch, gateMs: gate, stopAfterFailures: stopAfter } }
}

const toRow = ({ id, version, state, counts, total, requestedBy, createdAt }: UpgradeView) => [
  id,
  version,
  state,
  counts.upgraded,
  total,
  requestedBy,
  createdAt,
]

const formatPlan = ({ version, rings, skipped }: AdminResponse<'planUpgrade'>): string =>
  [
    `to ${version}\n`,
    ...rings.map(({ ring, hosts }) => `ring ${ring}: ${hosts.join(' ')}\n`),
    ...skipped.map(formatSkipped),
  ].join('')

const formatSkipped = ({ host, reason }: SkippedHost) => `skipped: ${host}: ${sanitizeText(reason, 300)}\n`

async function start({ api, stdout, stderr }: Context, options: StartOptions): Promise<void> {
  const { upgrade, skipped } = await api.call('startUpgrade', { body: toBody(options) })
  stderr.write(skipped.map(formatSkipped).join(''))
  if (!options.wait) return void stdout.write(options.json ? jsonDocument({ upgrade }) : `${upgrade.id}\n`)
  const detail = await poll(
    () => api.call('showUpgrade', { params: { id: upgrade.id } }),
    (shown) => shown.upgrade.endedAt !== null,
  )
  stdout.write(options.json ? jsonDocument(detail) : formatDetail(detail))
  if (detail.upgrade.counts.upgraded !== detail.upgrade.total)
    throw new CliError(formatUpgrade(detail.upgrade))
}

/** Formats a line for each ring with a sign for each host, and then the reasons of hosts that have one. */
function formatDetail({ upgrade, hosts }: UpgradeDetail): string {
  const rings = [...Map.groupBy(hosts, ({ ring }) => ring)].map(
    ([ring, members]) =>
      `ring ${ring}  ${members.map(({ state }) => UPGRADE_HOST_STATE.describe(state).sign).join('')}\n`,
  )
  const reasons = hosts
    .filter(({ reason }) => reason !== null)
    .map(({ host, state, reason }) => `${host.name}: ${state}: ${sanitizeText(reason ?? '', 1000)}\n`)
  return `${formatUpgrade(upgrade)}\n${rings.join('')}${reasons.join('')}`
}

const formatUpgrade = ({ version, state, counts, total, reason }: UpgradeView): string =>
  `to ${version}: ${state}, ${counts.upgraded} of ${total} upgraded${reason === null ? '' : `. ${sanitizeText(reason, 1000)}`}`
