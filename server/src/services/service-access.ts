import { Injectable } from '@nestjs/common'
import { hasUuidForm, RollcallError } from '@rollcall/contracts'
import type { Principal } from '../access/index.ts'
import type { InstanceRecord, ServiceRecord } from './domain/instance.ts'
import { toServiceName } from './domain/service.ts'
import { toVisible, type VisibleService } from './domain/visible-service.ts'
import { ServicesRepository } from './services.repository.ts'

type Actor = Pick<Principal, 'scope' | 'scopeText'>

/** Finds services within the scope of whoever asks: what lies beyond does not exist for them. */
@Injectable()
export class ServiceAccess {
  constructor(private readonly services: ServicesRepository) {}

  /** Lists services that somebody may see. */
  async list(
    project: string | undefined,
    search: string | undefined,
    actor: Actor,
  ): Promise<VisibleService[]> {
    const services = await this.services.list(project ?? null, search ?? null)
    const instances = await this.services.instances(
      services.map(({ id }) => id),
      actor.scope,
    )
    const byService = Map.groupBy(instances, ({ serviceId }) => serviceId)
    return services.flatMap(
      (service) => toVisible(service, byService.get(service.id) ?? [], actor.scopeText) ?? [],
    )
  }

  /** Finds a service by its id, or by `PROJECT/NAME`. Throws `service.not_found`. */
  async find(reference: string, actor: Actor): Promise<VisibleService> {
    const service = await this.findRecord(reference)
    const instances = service === null ? [] : await this.services.instances([service.id], actor.scope)
    const visible = service && toVisible(service, instances, actor.scopeText)
    if (visible) return visible
    throw new RollcallError(
      'service.not_found',
      `There is no service ${reference}. List them: rollcall service list`,
    )
  }

  private async findRecord(reference: string): Promise<ServiceRecord | null> {
    if (hasUuidForm(reference)) return this.services.findById(reference)
    const [project = '', name = ''] = reference.split('/')
    return this.services.findByName(project, name)
  }

  /** Finds a service to change as a whole. Throws `service.not_found`, and `service.outside_scope` if parts are beyond the scope. */
  async findWhole(reference: string, actor: Actor): Promise<VisibleService> {
    const found = await this.find(reference, actor)
    if (found.isWhole) return found
    const { project, name } = found.service
    throw new RollcallError(
      'service.outside_scope',
      `Some instances of ${toServiceName(project, name)} are on hosts that you may not act on. Name the slots that you mean, or ask an admin.`,
    )
  }

  /** Finds the instance that counts for a slot. Throws `service.not_found` and `instance.not_found`. */
  async findInstance(
    reference: string,
    slot: number,
    actor: Actor,
  ): Promise<VisibleService & { instance: InstanceRecord }> {
    const found = await this.find(reference, actor)
    const own = found.instances.filter((one) => one.slot === slot)
    const instance =
      own.find(({ replacedBy, wanted }) => replacedBy === null && wanted !== 'gone') ?? own.at(-1)
    if (instance) return { ...found, instance }
    const { project, name } = found.service
    throw new RollcallError(
      'instance.not_found',
      `There is no instance ${toServiceName(project, name)}.${slot}. Show them: rollcall service show ${toServiceName(project, name)}`,
    )
  }
}
