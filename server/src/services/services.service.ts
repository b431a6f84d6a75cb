import { Injectable } from '@nestjs/common'
import type { RevisionView, ServiceDetail, ServiceEventView, ServiceListed } from '@rollcall/contracts/admin'
import { may, type Principal } from '../access/index.ts'
import { movesOf } from './domain/plan/wanted-services.ts'
import { mayReadReasons } from './domain/visibility.ts'
import { HistoryRepository } from './history.repository.ts'
import { RevisionsRepository } from './revisions.repository.ts'
import {
  toEventView,
  toInstanceMark,
  toInstanceView,
  toRevisionViews,
  toServiceView,
} from './service.view.ts'
import { ServiceAccess } from './service-access.ts'
import { ServicesRepository } from './services.repository.ts'

const MAX_REVISIONS = 50

/** Services as they are shown. */
@Injectable()
export class ServicesService {
  constructor(
    private readonly access: ServiceAccess,
    private readonly services: ServicesRepository,
    private readonly revisionRows: RevisionsRepository,
    private readonly history: HistoryRepository,
  ) {}

  async list(
    { project, search }: { project?: string | undefined; search?: string | undefined },
    actor: Principal,
  ): Promise<ServiceListed[]> {
    const found = await this.access.list(project, search, actor)
    return found.map(({ service, instances }) => ({
      ...toServiceView(service, instances),
      instances: instances.map(toInstanceMark),
    }))
  }

  /** Shows a service with its instances and where data of its volumes is. Throws `service.not_found`. */
  async show(reference: string, actor: Principal): Promise<ServiceDetail> {
    const { service, instances } = await this.access.find(reference, actor)
    const revisions = await this.revisionRows.open([service.revisionId])
    const definition = revisions.get(service.revisionId)?.definition
    const names = definition ? movesOf(definition).map(({ name }) => name) : []
    const volumes = (await this.services.volumes(service.project)).filter(
      (volume) => volume.service === service.name,
    )
    const hosts = await this.services.hostNames(
      volumes.map(({ hostId }) => hostId),
      actor.scope,
    )
    const hostsOf = (name: string) =>
      volumes.filter((volume) => volume.name === name).flatMap(({ hostId }) => hosts.get(hostId) ?? [])
    return {
      service: toServiceView(service, instances),
      instances: instances.map((instance) => toInstanceView(instance, service)),
      secrets: Object.entries(service.secrets).map(([name, { version }]) => ({ name, version })),
      volumes: [...new Set([...names, ...volumes.map(({ name }) => name)])].map((name) => ({
        name,
        hosts: [...new Set(hostsOf(name))].sort(),
      })),
    }
  }

  async revisions(reference: string, actor: Principal): Promise<RevisionView[]> {
    const { service } = await this.access.find(reference, actor)
    const revisions = await this.revisionRows.list(service.id, MAX_REVISIONS)
    return toRevisionViews(revisions, service, may(actor, 'services:write'))
  }

  async events(
    reference: string,
    { slot, limit, before }: { slot?: number | undefined; limit: number; before?: string | undefined },
    actor: Principal,
  ): Promise<ServiceEventView[]> {
    const { service } = await this.access.find(reference, actor)
    const query = { slot: slot ?? null, limit, before: before ?? null }
    const events = await this.history.events(service.id, actor.scope, query)
    const isOpen = mayReadReasons(service, actor.scopeText)
    return events.map((event) =>
      toEventView(isOpen || event.instance?.host ? event : { ...event, text: null }),
    )
  }
}
