import { randomUUID } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import type { InstanceMark, NewServiceOperation } from '@rollcall/contracts/admin'
import type { Principal } from '../access/index.ts'
import { Clock } from '../platform/clock/clock.ts'
import type { Sql } from '../platform/prisma/transaction.ts'
import type { ServiceRecord } from './domain/instance.ts'
import { toServiceName } from './domain/service.ts'
import type { VisibleService } from './domain/visible-service.ts'
import { InstancesReconciler } from './instances.reconciler.ts'
import { OperationsRepository } from './operations.repository.ts'
import { RevisionsRepository } from './revisions.repository.ts'
import { toInstanceMark } from './service.view.ts'
import { ServiceAccess } from './service-access.ts'
import { ServicesRepository } from './services.repository.ts'
import { ServicesLock } from './services-lock.repository.ts'

/** Starts, stops, restarts and removes services and their instances. What is asked is stored; reconcilers carry it out. */
@Injectable()
export class OperationsService {
  constructor(
    private readonly lock: ServicesLock,
    private readonly access: ServiceAccess,
    private readonly services: ServicesRepository,
    private readonly operations: OperationsRepository,
    private readonly revisions: RevisionsRepository,
    private readonly instances: InstancesReconciler,
    private readonly clock: Clock,
  ) {}

  /** Stores an operation. Throws `service.*` and `instance.not_found`. */
  async operate(
    reference: string,
    { operationId = randomUUID(), ...request }: NewServiceOperation,
    actor: Principal,
  ): Promise<{ operationId: string; instances: InstanceMark[] }> {
    // Found and stored under one lock: a plan that is applied beside it comes before all of it, or after.
    const { serviceId, ids } = await this.lock.alone((sql) =>
      this.store(sql, reference, { operationId, ...request }, actor),
    )
    this.instances.wake()
    const now = await this.services.instances([serviceId], actor.scope)
    return { operationId, instances: now.filter(({ id }) => ids.includes(id)).map(toInstanceMark) }
  }

  private async store(
    sql: Sql,
    reference: string,
    { operationId, action, slots, removedVolumes = [] }: NewServiceOperation & { operationId: string },
    actor: Principal,
  ): Promise<{ serviceId: string; ids: string[] }> {
    const isWhole = slots === undefined
    const found = await (isWhole
      ? this.access.findWhole(reference, actor)
      : this.access.find(reference, actor))
    const { service } = found
    if (service.wanted === 'gone' && action !== 'remove')
      throw new RollcallError(
        'service.not_found',
        `${toServiceName(service.project, service.name)} is being removed. Apply its file again once it is gone.`,
      )
    if (action === 'stop' || action === 'restart') await this.requireUnit(sql, service, action)
    const ids = chosen(found, slots).map(({ id }) => id)
    const at = this.clock.now()
    if (action === 'remove') await this.remove(sql, found, removedVolumes, actor.name)
    else
      await this.operations.store(sql, {
        id: operationId,
        serviceId: service.id,
        action,
        isWhole,
        instanceIds: ids,
        by: actor.name,
        at,
      })
    return { serviceId: service.id, ids }
  }

  /** Refuses to stop what nobody can: the work of a playbook that names no unit. Throws `service.unit_missing`. */
  private async requireUnit(sql: Sql, service: ServiceRecord, action: 'stop' | 'restart'): Promise<void> {
    const revision = (await this.revisions.open([service.revisionId], sql)).get(service.revisionId)
    const runs = revision?.definition.group.services[0]?.runs
    if (runs?.kind !== 'playbook' || runs.playbook.unit !== null) return
    throw new RollcallError(
      'service.unit_missing',
      `${toServiceName(service.project, service.name)} is made by a playbook and names no unit to ${action}. Write x-rollcall.unit and apply it, or remove the service.`,
    )
  }

  private async remove(
    sql: Sql,
    { service }: VisibleService,
    volumes: readonly string[],
    by: string,
  ): Promise<void> {
    const known = (await this.services.volumes(service.project)).filter((one) => one.service === service.name)
    const unknown = volumes.find((name) => !known.some((volume) => volume.name === name))
    if (unknown !== undefined)
      throw new RollcallError(
        'service.volume_not_found',
        `${toServiceName(service.project, service.name)} has no volume ${unknown}. Its volumes: ${known.map(({ name }) => name).join(', ') || 'none'}.`,
      )
    await this.operations.remove(sql, service.id, volumes, by, this.clock.now())
  }
}

/** Returns the instances that count for the slots, or for all. Throws `instance.not_found`. */
function chosen({ service, instances }: VisibleService, slots: readonly number[] | undefined) {
  const counting = instances.filter(({ replacedBy, wanted }) => replacedBy === null && wanted !== 'gone')
  if (slots === undefined) return counting
  const missing = slots.find(
    (slot) => !counting.some((instance) => instance.slot === slot && instance.isVisible),
  )
  if (missing !== undefined)
    throw new RollcallError(
      'instance.not_found',
      `${toServiceName(service.project, service.name)} has no slot ${missing}. Its slots: ${counting.map(({ slot }) => slot).join(', ') || 'none'}.`,
    )
  return counting.filter(({ slot }) => slots.includes(slot))
}
