import { sanitizeText } from '@rollcall/contracts'
import type {
  InstanceView,
  RevisionView,
  ServiceDetail,
  ServiceEventView,
  ServiceListed,
} from '@rollcall/contracts/admin'
import { INSTANCE_HEALTH, INSTANCE_STATE } from '@rollcall/contracts/admin/services/states'
import { tableOr } from './answers.ts'
import { formatMoment, formatRoughAge } from './format-measure.ts'
import { changeReport } from './plan-report.ts'
import { fieldList, table } from './table.ts'

const MAX_REASON = 300
const clean = (text: string) => sanitizeText(text, MAX_REASON)

/** Lists services, a sign for each instance: of its health while it runs, and otherwise of its state. */
export const serviceTable = (services: readonly ServiceListed[]): string =>
  tableOr(
    'There are no services yet. "rollcall service plan --help" shows how to begin.',
    ['SERVICE', 'STATE', 'INSTANCES', 'REVISION', 'IMAGES', 'CHANGED'],
    services.map(({ project, name, state, instances, revision, images, playbook, updatedAt }) => [
      `${project}/${name}`,
      state,
      instances.map(toSign).join(''),
      revision,
      playbook === null ? images.join(', ') : `playbook ${playbook}`,
      formatRoughAge(updatedAt),
    ]),
  )

const toSign = ({ state, health }: Pick<InstanceView, 'state' | 'health'>): string =>
  state === 'running' && health !== 'success'
    ? INSTANCE_HEALTH.describe(health).sign
    : INSTANCE_STATE.describe(state).sign

export function serviceDetailReport({ service, instances, secrets, volumes }: ServiceDetail): string {
  const { project, name, state, reason, replicas, revision, updatedAt, updatedBy } = service
  const reasons = instances.filter((instance) => instance.reason !== null)
  return [
    fieldList([
      ['Service', `${project}/${name}`],
      ['State', reason === null ? state : `${state}: ${reason}`],
      ['Replicas', replicas === null ? 'one on every host' : String(replicas)],
      service.playbook === null ? ['Images', service.images.join(', ')] : ['Playbook', service.playbook],
      ['Revision', `${revision}, applied ${formatMoment(updatedAt)} by ${updatedBy}`],
      ['Secrets', secrets.map((secret) => `${secret.name} (version ${secret.version})`).join(', ')],
      [
        'Volumes',
        volumes.map((volume) => `${volume.name} on ${volume.hosts.join(', ') || 'no host'}`).join('; '),
      ],
    ]),
    '\n',
    table(
      ['INSTANCE', 'STATE', 'HEALTH', 'HOST', 'PORTS', 'SINCE', 'GENERATION', 'REVISION'],
      instances.map(toRow),
    ),
    ...(reasons.length > 0 ? ['\n'] : []),
    ...reasons.map((instance) => `${clean(instance.name)}: ${clean(instance.reason ?? '')}\n`),
  ].join('')
}

function toRow(instance: InstanceView) {
  const { name, state, health, host, ports, stateSince, generation, revision, runningRevision, isHeld } =
    instance
  const isBehind = runningRevision !== null && runningRevision !== revision
  return [
    name,
    isHeld ? `${state} (waits)` : state,
    health,
    host?.name,
    ports
      .map(({ published, target, protocol }) => `${published}→${target}${protocol === 'udp' ? '/udp' : ''}`)
      .join(' '),
    formatRoughAge(stateSince),
    generation,
    isBehind ? `${runningRevision} → ${revision}` : revision,
  ]
}

/** Lists revisions, each with its changes. */
export const revisionReport = (revisions: readonly RevisionView[]): string =>
  revisions
    .map(({ number, createdAt, createdBy, isProven, changes, images }) => {
      const head = `revision ${number}, ${formatMoment(createdAt)} by ${clean(createdBy)}${isProven ? ', proven' : ''}\n`
      const first =
        changes.length === 0
          ? images.map(({ container, ref }) => `    = ${clean(container)}  ${clean(ref)}\n`)
          : []
      return [head, ...first, ...changes.map(changeReport)].join('')
    })
    .join('\n')

export const eventReport = (events: readonly ServiceEventView[]): string =>
  tableOr(
    'Nothing has happened yet.',
    ['AT', 'INSTANCE', 'HOST', 'WHAT', 'TO', 'BY', 'TEXT'],
    events.map(({ at, instance, kind, from, to, by, text }) => [
      formatMoment(at),
      instance ? `.${instance.slot}` : '',
      instance?.host,
      kind,
      from === null ? to : `${from} → ${to}`,
      by,
      text,
    ]),
  )
