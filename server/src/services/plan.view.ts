import type { PlacementView, ServicePlanEntry, ServicePlanView } from '@rollcall/contracts/admin'
import type { Explanation } from './domain/placement/explanation.ts'
import { toReason } from './domain/placement/reason.ts'
import { toShownChanges } from './domain/plan/diff-fields.ts'
import type { SpareHost, SparesByService } from './domain/plan/plan-spares.ts'
import type { PlannedService, PlannedSlot, ServicesPlan } from './domain/plan/planned.ts'
import type { PlanRecord } from './domain/plan-record.ts'

/** Slots of one plan that are explained; of further ones there is the host. */
const MAX_EXPLAINED = 500

/** Shows what a plan would do, to whoever may change services. */
export function toPlanContent(
  { services, order, notes }: ServicesPlan,
  spares: SparesByService,
): PlanRecord['content']['view'] {
  let explained = 0
  const isExplained = ({ explanation }: PlannedSlot) => explanation !== null && explained++ < MAX_EXPLAINED
  return {
    services: services.map((service) => toEntry(service, spares.get(service.name) ?? [], isExplained)),
    order: order.map((step) => [...step]),
    notes: [...notes],
  }
}

function toEntry(
  service: PlannedService,
  spares: readonly SpareHost[],
  isExplained: (slot: PlannedSlot) => boolean,
): ServicePlanEntry {
  const { name, action, wanted, stored, changes, slots, leaving } = service
  const { definition, images } = wanted ?? stored?.revision ?? { definition: null, images: [] }
  return {
    service: name,
    action,
    replicas: definition?.group.replicas ?? null,
    images: images.map(({ container, ref, digest }) => ({ container, ref, digest })),
    changes: toShownChanges(changes, true),
    placements: slots.map((slot) => toSlotView(slot, isExplained(slot))),
    removedSlots: leaving.map(({ slot, host }) => ({ slot, host: host?.name ?? null })),
    spares: spares.map((host) => host.name),
    removedVolumes: [...service.removedVolumes],
    keptVolumes: [...service.keptVolumes],
  }
}

function toSlotView(
  { slot, instance, host, move, ports, explanation }: PlannedSlot,
  isExplained: boolean,
): PlacementView {
  const isKept = move === 'keep' || move === 'replace' || move === 'stay'
  const isStuck = explanation !== null && (host === null || move === 'stay')
  return {
    slot,
    host: host?.name ?? null,
    isKept,
    isReplaced: move === 'replace',
    from: move === 'move' ? (instance?.host?.name ?? null) : null,
    ports: ports.map(({ protocol, published }) => ({ protocol, port: published })),
    ...toExplanationView(isExplained ? explanation : null),
    reason: isStuck ? toReason(explanation) : null,
  }
}

/** Shows an explanation; nothing where there is none. */
export function toExplanationView(
  explanation: Explanation | null,
): Pick<PlacementView, 'hosts' | 'rejections' | 'best'> {
  const { hosts, rejections, best } = explanation ?? { hosts: 0, rejections: [], best: [] }
  return {
    hosts,
    rejections: rejections.map((one) => ({
      ...one,
      examples: one.examples.map((example) => ({ ...example })),
    })),
    best: best.map(({ host, score, terms }) => ({ host, score, terms: { ...terms } })),
  }
}

export const toPlanView = ({ content, ...plan }: PlanRecord): ServicePlanView => ({
  id: plan.id,
  project: plan.project,
  digest: plan.digest,
  prune: content.request.prune,
  createdAt: plan.createdAt.toISOString(),
  createdBy: plan.requestedBy,
  appliedAt: plan.appliedAt?.toISOString() ?? null,
  ...content.view,
})
