import { sanitizeText } from '@rollcall/contracts'
import type { InstanceWhy, PlacementView } from '@rollcall/contracts/admin'
import { formatMoment } from './format-measure.ts'
import { scoreLine } from './score-line.ts'
import { table } from './table.ts'

const clean = (text: string) => sanitizeText(text, 2000)

/** Renders why an instance is where it is, and how a host that was asked about is judged. */
export function whyReport({ instance, decidedAt, placement, history, judgement }: InstanceWhy): string {
  const head = placement
    ? headOf(instance, placement, decidedAt)
    : `${clean(instance)}: there is no record of a decision that you may see.\n`
  const moves = history
    .slice(1)
    .map(({ at, generation, host, score }) => [formatMoment(at), generation, host ?? 'none', score])
  return [
    head,
    ...(placement && placement.best.length > 0 ? [`\n${bestReport(placement)}`] : []),
    ...(placement && placement.rejections.length > 0 ? [`\n${rejectionReport(placement)}`] : []),
    ...(moves.length > 0 ? [`\nBefore\n${table(['AT', 'GENERATION', 'HOST', 'SCORE'], moves)}`] : []),
    ...(judgement ? [`\n${judgementReport(judgement)}`] : []),
  ].join('')
}

function headOf(
  instance: string,
  { host, hosts, reason, isKept }: PlacementView,
  decidedAt: string | null,
): string {
  const at = decidedAt === null ? '' : `, decided at ${formatMoment(decidedAt)}`
  if (host === null) return `${clean(instance)} is on no host${at}: ${clean(reason ?? 'no host fits')}.\n`
  const why = isKept
    ? 'it was there already and fits'
    : `the best of ${hosts} ${hosts === 1 ? 'host' : 'hosts'}`
  return `${clean(instance)} is on ${clean(host)}${at}: ${why}.\n`
}

function bestReport({ best }: PlacementView): string {
  const width = Math.max(...best.map(({ host }) => host.length))
  return best.map((one) => `  ${clean(one.host).padEnd(width)}  ${scoreLine(one)}\n`).join('')
}

const rejectionReport = ({ rejections }: PlacementView): string =>
  table(
    ['HOSTS', 'FAIL AT', 'NEEDED', 'FOR EXAMPLE'],
    rejections.map(({ count, filter, detail, examples }) => [
      count,
      filter.replaceAll('_', ' '),
      detail,
      examples.map(({ host, evidence }) => (evidence === null ? host : `${host}: ${evidence}`)).join(', '),
    ]),
  )

function judgementReport({
  host,
  fits,
  conditions,
  score,
  current,
}: NonNullable<InstanceWhy['judgement']>): string {
  const rows = conditions.map(({ filter, detail, passes, evidence }) => [
    passes ? '✓' : '✕',
    filter.replaceAll('_', ' '),
    detail,
    evidence,
  ])
  const verdict = fits ? `${host} would do` : `${host} does not fit`
  const scores = [score, ...(current && current.host !== host ? [current] : [])]
  const width = Math.max(...scores.map((one) => one.host.length))
  return [
    `${clean(verdict)}, judged now:\n`,
    table(['', 'CONDITION', 'NEEDED', 'IT HAS'], rows),
    '\n',
    ...scores.map((one) => `  ${clean(one.host).padEnd(width)}  ${scoreLine(one)}\n`),
  ].join('')
}
