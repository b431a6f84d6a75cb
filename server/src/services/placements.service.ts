import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import type { InstanceWhy, PlacementView } from '@rollcall/contracts/admin'
import type { NamedHost, Principal } from '../access/index.ts'
import { Clock } from '../platform/clock/clock.ts'
import type { PlacementRecord } from './domain/event.ts'
import type { InstanceRecord } from './domain/instance.ts'
import { toJudge } from './domain/placement/judge.ts'
import { toReason } from './domain/placement/reason.ts'
import { type PlacementHost, toInstanceName } from './domain/placement/view.ts'
import { toRequest } from './domain/plan/request.ts'
import { withoutInstance } from './domain/plan/without-instance.ts'
import { toServiceName } from './domain/service.ts'
import { hostsOfExplanation, toVisibleExplanation } from './domain/shown-explanation.ts'
import type { VisibleService } from './domain/visible-service.ts'
import { FleetView } from './fleet-view.ts'
import { HistoryRepository } from './history.repository.ts'
import { toExplanationView } from './plan.view.ts'
import { RevisionsRepository } from './revisions.repository.ts'
import { ServiceAccess } from './service-access.ts'
import { ServicesRepository } from './services.repository.ts'

/** Hosts are looked at again for slots without one. */
const AWAITED = 'It is placed as soon as a host fits: by labels, by room, or by its first report.'

/** Says why instances are where they are. */
@Injectable()
export class PlacementsService {
  constructor(
    private readonly access: ServiceAccess,
    private readonly services: ServicesRepository,
    private readonly revisions: RevisionsRepository,
    private readonly history: HistoryRepository,
    private readonly fleet: FleetView,
    private readonly clock: Clock,
  ) {}

  /** Explains a slot; with `host`, how that one is judged now. Throws `service.not_found`, `instance.not_found` and `host.not_found`. */
  async why(
    reference: string,
    slot: number,
    host: NamedHost | undefined,
    actor: Principal,
  ): Promise<InstanceWhy> {
    const found = await this.access.findInstance(reference, slot, actor)
    const { service, instance } = found
    const records = await this.history.placements(service.id, slot)
    const names = records.flatMap(({ hostName, explanation }) => [
      ...(hostName === null ? [] : [hostName]),
      ...hostsOfExplanation(explanation),
    ])
    const visible = await this.history.visibleHosts([...new Set(names)], actor.scope)
    const shown = records.filter(({ hostName }) => hostName === null || visible.has(hostName))
    const [latest] = shown
    return {
      instance: toInstanceName(toServiceName(service.project, service.name), slot),
      decidedAt: latest?.at.toISOString() ?? null,
      placement: latest ? toView(latest, instance, actor.scope === null ? null : visible) : null,
      history: shown.map(({ at, generation, hostName, score }) => ({
        at: at.toISOString(),
        generation,
        host: hostName,
        score,
      })),
      judgement: host ? await this.judge(found, host, actor) : null,
    }
  }

  private async judge(
    { service, instance }: VisibleService & { instance: InstanceRecord },
    host: NamedHost,
    { scope }: Principal,
  ): Promise<NonNullable<InstanceWhy['judgement']>> {
    const now = this.clock.now()
    const revision = (await this.revisions.open([instance.revisionId])).get(instance.revisionId)
    if (!revision) throw new RollcallError('server.defect', `the revision of ${instance.id} is gone`)
    const volumes = await this.services.volumes(service.project)
    const fleet = withoutInstance(await this.fleet.read(scope, revision.images, now), instance, revision)
    const others = (await this.services.instances([service.id])).filter(({ id }) => id !== instance.id)
    const asked = toRequest(revision)
    const hostsOf = (name: string) =>
      volumes
        .filter((one) => one.service === service.name && one.slot === instance.slot && one.name === name)
        .map(({ hostId }) => hostId)
    const request = {
      ...asked,
      slots: [instance.slot],
      volumes: asked.volumes.map((need) => ({ ...need, hosts: hostsOf(need.name) })),
      instances: others.flatMap(({ hostId, wanted }) =>
        hostId !== null && wanted !== 'gone' ? [hostId] : [],
      ),
      ranOn: instance.hostId === null ? [] : [instance.hostId],
    }
    const judged = toJudge(request, fleet, now)
    const { conditions, score } = judged(host.id)
    const isKnown = (id: string) => fleet.some((one: PlacementHost) => one.id === id)
    const current =
      instance.hostId !== null && isKnown(instance.hostId) ? judged(instance.hostId).score : null
    return {
      host: host.name,
      fits: conditions.every(({ passes }) => passes),
      conditions: conditions.map((condition) => ({ ...condition })),
      score: { ...score, terms: { ...score.terms } },
      current: current && { ...current, terms: { ...current.terms } },
    }
  }
}

function toView(
  { slot, hostName, isKept, explanation }: PlacementRecord,
  { ports }: InstanceRecord,
  visible: ReadonlySet<string> | null,
): PlacementView {
  const shown = visible === null ? explanation : toVisibleExplanation(explanation, visible)
  return {
    slot,
    host: hostName,
    isKept,
    isReplaced: false,
    from: null,
    ports: ports.map(({ protocol, published }) => ({ protocol, port: published })),
    ...toExplanationView(shown),
    reason: hostName === null ? `${toReason(shown)}. ${AWAITED}` : null,
  }
}
