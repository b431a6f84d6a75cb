import { sanitizeText } from '@rollcall/contracts'
import type {
  AdminResponse,
  FieldChange,
  PlacementView,
  PlanAction,
  PlanFault,
  ServicePlanEntry,
  ServicePlanView,
} from '@rollcall/contracts/admin'
import { scoreLine } from './score-line.ts'

const SIGNS: Record<PlanAction, string> = {
  new: '+',
  changed: '~',
  unchanged: '=',
  left_behind: '?',
  removed: '-',
}
const MAX_FAULT = 600

/** Renders faults as compilers do: file, line and column, then what is wrong and what to do. */
export const faultReport = (file: string, faults: readonly PlanFault[]): string =>
  faults
    .map(({ line, column, key, reason, instead }) => {
      const about = key === '' ? '' : `${key} `
      return `${clean(`${file}:${line}:${column}: ${about}${reason}`)}\n    ${clean(instead)}\n`
    })
    .join('')

type Keys = AdminResponse<'planServices'>['keys']

/** Renders a plan: what becomes of each service, its changes, where each instance would go, and what the file says otherwise than Compose. */
export function planReport({ project, services, order, notes }: ServicePlanView, keys: Keys = []): string {
  const otherwise = keys.filter(({ standing }) => standing === 'otherwise')
  const sections = services.map((service) => entryReport(service))
  const steps = order.filter((step) => step.length > 0).map((step) => step.join(', '))
  return [
    `Project ${clean(project)}\n`,
    ...sections,
    ...(steps.length > 1 ? [`order: ${clean(steps.join(' → '))}\n`] : []),
    [
      ...otherwise.map(({ line, key, says }) => `note: line ${line}, ${clean(`${key}: ${says}`)}\n`),
      ...notes.map((note) => `note: ${clean(note)}\n`),
    ].join(''),
  ]
    .filter((section) => section !== '')
    .join('\n')
}

function entryReport(entry: ServicePlanEntry): string {
  const { service, action, images, changes, placements, removedSlots, spares, removedVolumes, keptVolumes } =
    entry
  const head = `${SIGNS[action]} ${clean(service)}  ${toSummary(entry)}${action === 'new' ? `, ${clean(images.map(({ ref }) => ref).join(', '))}` : ''}\n`
  const shown = action === 'unchanged' ? [] : placements
  return [
    head,
    ...changes.map(changeReport),
    ...shown.map((placement) => placementReport(placement)),
    ...removedSlots.map(
      ({ slot, host }) => `    - .${slot}  goes${host === null ? '' : ` from ${clean(host)}`}\n`,
    ),
    ...(spares.length > 0 && action !== 'unchanged'
      ? [`    = images  also kept on ${clean(spares.join(', '))}\n`]
      : []),
    ...removedVolumes.map((name) => `    - volume ${clean(name)}  its data is removed\n`),
    ...keptVolumes.map((name) => `    = volume ${clean(name)}  its data stays\n`),
  ].join('')
}

function toSummary({ action, replicas, placements }: ServicePlanEntry): string {
  if (action === 'removed') return 'is removed'
  if (action === 'left_behind') return 'is not in the file any more, and stays; --prune removes it'
  const count =
    replicas === null
      ? 'one on every host'
      : `${placements.length} ${placements.length === 1 ? 'instance' : 'instances'}`
  return `${action}, ${count}`
}

/** Shows a field with the value before and the one after. */
export function changeReport({ path, before, after, isHidden }: FieldChange): string {
  if (isHidden) return `    ~ ${clean(path)}  (not shown)\n`
  if (before === null) return `    + ${clean(path)}  ${clean(after ?? '')}\n`
  if (after === null) return `    - ${clean(path)}  ${clean(before)}\n`
  return `    ~ ${clean(path)}  ${clean(before)} → ${clean(after)}\n`
}

function placementReport({
  slot,
  host,
  isKept,
  isReplaced,
  from,
  ports,
  best,
  reason,
}: PlacementView): string {
  if (host === null) return `    ! .${slot}  ${clean(reason ?? 'no host')}\n`
  const published = ports
    .map(({ port, protocol }) => (protocol === 'tcp' ? port : `${port}/${protocol}`))
    .join(',')
  const place = `${clean(host)}${published === '' ? '' : `:${published}`}`
  if (reason !== null)
    return `    ! .${slot}  stays on ${place}, where it does not belong: ${clean(reason)}\n`
  if (isReplaced) return `    ~ .${slot}  ${place}, stopped there and started anew\n`
  if (isKept) return `    = .${slot}  ${place}\n`
  const [chosen] = best
  const source = from === null ? '' : `${clean(from)} `
  return `    ${from === null ? '+' : '~'} .${slot}  ${source}→ ${place}${chosen ? `  ${scoreLine(chosen)}` : ''}\n`
}

const clean = (text: string) => sanitizeText(text, MAX_FAULT)
