import type { ErrorCode } from '@rollcall/contracts'
import { isErrorCode } from '@rollcall/contracts'
import type {
  InstanceMark,
  InstanceView,
  RevisionView,
  ServiceEventView,
  ServiceView,
} from '@rollcall/contracts/admin'
import type { ServiceEvent } from './domain/event.ts'
import type { InstanceRecord, ServiceRecord } from './domain/instance.ts'
import { toInstanceName } from './domain/placement/view.ts'
import { diffServices, toShownChanges } from './domain/plan/diff-fields.ts'
import type { RevisionRecord } from './domain/revision.ts'
import { toPlaybookText, toServiceName } from './domain/service.ts'
import { toServiceState } from './domain/service-state.ts'

const toCode = (code: string | null): ErrorCode | null => (isErrorCode(code) ? code : null)

const countBy = <K extends string>(values: readonly K[]): Partial<Record<K, number>> => {
  const counts: Partial<Record<K, number>> = {}
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1
  return counts
}

/** Shows a service with those of its instances that the caller may see. */
export function toServiceView(service: ServiceRecord, instances: readonly InstanceRecord[]): ServiceView {
  const { id, project, name, wanted, replicas, revision, reason, updatedBy } = service
  return {
    id,
    project,
    name,
    wanted,
    state: toServiceState(service, instances),
    reason,
    replicas,
    revision,
    images: service.images.map(({ ref }) => ref),
    playbook: service.playbook && toPlaybookText(service.playbook.name, service.playbook.version),
    counts: countBy(instances.map(({ state }) => state)),
    healths: countBy(instances.map(({ health }) => health)),
    updatedAt: service.updatedAt.toISOString(),
    updatedBy,
  }
}

const toHost = ({ hostId, hostName }: InstanceRecord) =>
  hostId === null ? null : { id: hostId, name: hostName ?? hostId }

export const toInstanceMark = (instance: InstanceRecord): InstanceMark => ({
  id: instance.id,
  slot: instance.slot,
  state: instance.state,
  health: instance.health,
  host: toHost(instance),
  reason: instance.reason,
})

export function toInstanceView(instance: InstanceRecord, service: ServiceRecord): InstanceView {
  const { serviceId, generation, revision, runningRevision, wanted, ports, containers, checks } = instance
  return {
    ...toInstanceMark(instance),
    name: toInstanceName(toServiceName(service.project, service.name), instance.slot),
    serviceId,
    generation,
    revision,
    runningRevision,
    wanted,
    stateSince: instance.stateSince.toISOString(),
    healthSince: instance.healthSince.toISOString(),
    reasonCode: toCode(instance.reasonCode),
    ports,
    containers,
    checks,
    isHeld: instance.admittedAt === null,
    replacedBy: instance.replacedBy,
    commandId: instance.commandId,
  }
}

/** Shows revisions, each compared with the one before; values of variables to those who may change services. */
export function toRevisionViews(
  revisions: readonly RevisionRecord[],
  { provenRevision }: ServiceRecord,
  mayChange: boolean,
): RevisionView[] {
  return revisions.map((revision, index) => ({
    number: revision.number,
    digest: revision.digest,
    createdAt: revision.createdAt.toISOString(),
    createdBy: revision.createdBy,
    isProven: revision.number === provenRevision,
    planId: mayChange ? revision.planId : null,
    images: revision.images.map(({ container, ref, digest }) => ({ container, ref, digest })),
    changes: toShownChanges(diffServices(revisions[index + 1] ?? null, revision), mayChange),
  }))
}

export const toEventView = ({ at, instance, code, ...event }: ServiceEvent): ServiceEventView => ({
  ...event,
  at: at.toISOString(),
  code,
  instance: instance && {
    id: instance.id,
    slot: instance.slot,
    generation: instance.generation,
    host: instance.host,
  },
})
