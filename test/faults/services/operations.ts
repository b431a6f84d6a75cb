import { pick } from '../random.ts'
import { type DesiredService, toReference } from './desired-fleet.ts'

const MIN_REPLICAS = 2
const MAX_REPLICAS = 6
/** Shares of all services: most are to be left, and running, at the end. */
const MAX_REMOVED_SHARE = 0.15
const MAX_STOPPED_SHARE = 0.15
const CHANGED_AT_ONCE = 2

export type Operation =
  /** Applies the file of a project with new revisions of these services: all of the project run after it. */
  | { do: 'change'; project: string; names: readonly string[] }
  | { do: 'scale'; project: string; name: string; replicas: number }
  /** Removes a service and applies its file again at once, while its instances are on their way out. */
  | { do: 'renew'; project: string; name: string }
  | { do: 'stop' | 'start' | 'restart' | 'remove'; project: string; name: string }

type ToOperation = (services: readonly DesiredService[], random: () => number) => Operation | null

/** Each returns an operation of its kind on services as they are to be by then, null where there is none that makes sense. */
export const OPERATIONS: readonly ToOperation[] = [
  change,
  change,
  scale,
  (services, random) =>
    isRare(services, 'stopped', MAX_STOPPED_SHARE) ? on('stop', runs, services, random) : null,
  (services, random) => on('start', ({ wanted }) => wanted === 'stopped', services, random),
  (services, random) => on('renew', runs, services, random),
  (services, random) => on('restart', runs, services, random),
  (services, random) =>
    isRare(services, 'gone', MAX_REMOVED_SHARE)
      ? on('remove', (one) => one.kind !== 'group' && one.wanted !== 'gone', services, random)
      : null,
]

const runs = ({ wanted }: DesiredService) => wanted === 'running'

/** Returns the services as they are to be after an operation. Pure. */
export function withOperation(
  services: readonly DesiredService[],
  operation: Operation,
): readonly DesiredService[] {
  if (isApplying(operation))
    return services.map((one) => (one.project === operation.project ? applied(one, operation) : one))
  const wanted = WANTED[operation.do]
  return services.map((one) => (toReference(one) === toReference(operation) ? { ...one, wanted } : one))
}

type Applying = Extract<Operation, { do: 'change' | 'scale' | 'renew' }>

/** Tells whether an operation ends with an apply of the file of its project. */
export const isApplying = (operation: Operation): operation is Applying =>
  operation.do === 'change' || operation.do === 'scale' || operation.do === 'renew'

const WANTED = { stop: 'stopped', start: 'running', restart: 'running', remove: 'gone' } as const

/** Returns a service of an applied file: one that was stopped is set going. */
function applied(service: DesiredService, operation: Applying): DesiredService {
  if (service.wanted === 'gone') return service
  const running = { ...service, wanted: 'running' as const }
  if (operation.do === 'change')
    return operation.names.includes(service.name) ? { ...running, revision: service.revision + 1 } : running
  if (operation.do === 'renew' || operation.name !== service.name) return running
  return { ...running, replicas: operation.replicas }
}

function change(services: readonly DesiredService[], random: () => number): Operation | null {
  const { project } = pick(services, random)
  const own = services.filter((one) => one.project === project && one.wanted !== 'gone')
  if (own.length === 0) return null
  const names = Array.from({ length: CHANGED_AT_ONCE }, () => pick(own, random).name)
  return { do: 'change', project, names: [...new Set(names)] }
}

function scale(services: readonly DesiredService[], random: () => number): Operation | null {
  const scalable = services.filter(({ kind, wanted }) => kind !== 'group' && wanted === 'running')
  if (scalable.length === 0) return null
  const { project, name, replicas } = pick(scalable, random)
  const isGrowing = replicas <= MIN_REPLICAS || (replicas < MAX_REPLICAS && random() < 0.5)
  return { do: 'scale', project, name, replicas: replicas + (isGrowing ? 1 : -1) }
}

function on(
  action: 'stop' | 'start' | 'restart' | 'renew' | 'remove',
  isMeant: (service: DesiredService) => boolean,
  services: readonly DesiredService[],
  random: () => number,
): Operation | null {
  const meant = services.filter(isMeant)
  if (meant.length === 0) return null
  const { project, name } = pick(meant, random)
  return { do: action, project, name }
}

const isRare = (services: readonly DesiredService[], wanted: DesiredService['wanted'], share: number) =>
  services.filter((one) => one.wanted === wanted).length < services.length * share
