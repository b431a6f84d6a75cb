import { place } from '../placement/place.ts'
import type { PlacementHost, PlacementRequest } from '../placement/view.ts'
import { type ResolvedService, toServiceName } from '../service.ts'
import { DraftFleet } from './draft-fleet.ts'
import type { PlannedService, ServicesPlan } from './planned.ts'
import { toRequest } from './request.ts'
import { movesOf } from './wanted-services.ts'

/** A host that keeps the images of a service without an instance of it. */
export interface SpareHost {
  id: string
  name: string
}

/** Everything that spare hosts are chosen by. */
export interface SparesView {
  plan: ServicesPlan
  fleet: readonly PlacementHost[]
  /** The spare hosts that there are, by the name of the service. */
  current: readonly { service: string; hostId: string }[]
  now: Date
}

/**
 * Chooses which hosts keep the images of each service: those that would get its next instances, were there more. None for services that
 * start nowhere else, since their data stays, or that are everywhere. Yields between short steps.
 */
export function* planSpares({ plan, fleet, current, now }: SparesView): Generator<void, SparesByService> {
  const draft = new DraftFleet(fleet)
  for (const service of plan.services) {
    yield
    takeNew(draft, plan.project, service)
  }
  const requests = plan.services.flatMap((service) =>
    service.wanted === null ? [] : toSpareRequest(service.wanted, service, current),
  )
  const names = new Map(fleet.map(({ id, name }) => [id, name]))
  const chosen = new Map<string, SpareHost[]>()
  for (const { service, host } of yield* place(requests, draft.hosts(), now)) {
    if (host === null) continue
    chosen.set(service, [...(chosen.get(service) ?? []), { id: host, name: names.get(host) ?? host }])
  }
  return new Map(plan.services.map(({ name }) => [name, chosen.get(toServiceName(plan.project, name)) ?? []]))
}

export type SparesByService = ReadonlyMap<string, readonly SpareHost[]>

/** Takes the room of instances that the plan places anew. */
function takeNew(draft: DraftFleet, project: string, { name, wanted, slots }: PlannedService): void {
  if (wanted === null) return
  const { needs } = toRequest(wanted)
  for (const { host, move, slot, ports } of slots)
    if (host !== null && (move === 'create' || move === 'move'))
      draft.take(host.id, needs, ports, `${toServiceName(project, name)}.${slot}`)
}

function toSpareRequest(
  wanted: ResolvedService,
  { name, slots }: PlannedService,
  current: SparesView['current'],
): PlacementRequest[] {
  const { spares, replicas } = wanted.definition.group
  const stays = movesOf(wanted.definition).some(({ move }) => move === 'stay')
  if (spares === 0 || replicas === null || stays || wanted.images.length === 0) return []
  const last = Math.max(replicas, ...slots.map(({ slot }) => slot))
  return [
    {
      ...toRequest(wanted),
      slots: Array.from({ length: spares }, (_, index) => last + 1 + index),
      // One on each, and none where an instance is.
      maxPerHost: 1,
      instances: slots.flatMap(({ host }) => host?.id ?? []),
      ranOn: current.filter(({ service }) => service === name).map(({ hostId }) => hostId),
    },
  ]
}
