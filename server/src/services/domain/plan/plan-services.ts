import { place } from '../placement/place.ts'
import { DraftFleet } from './draft-fleet.ts'
import { toNotes } from './notes.ts'
import { planRemoval } from './plan-removal.ts'
import type { PlanView } from './plan-view.ts'
import type { PlannedService, ServicesPlan } from './planned.ts'
import { SlotDraft } from './slot-draft.ts'
import { toStartOrder } from './start-order.ts'

/**
 * Decides what becomes of each service and slot of a project. The same view gives the same plan. Yields between short steps, so that the
 * caller can do something else meanwhile.
 */
export function* planServices(view: PlanView): Generator<void, ServicesPlan> {
  const { wanted, stored, project } = view
  const draft = new DraftFleet(view.fleet)
  const storedBy = new Map(stored.map((service) => [service.name, service]))
  const drafts: SlotDraft[] = []
  for (const service of wanted) {
    const current = storedBy.get(service.definition.group.name) ?? null
    const slots = new SlotDraft(service, current, view, draft)
    yield* slots.decide()
    drafts.push(slots)
  }
  const requests = drafts.flatMap((one) => one.requests())
  const placements = yield* place(requests, draft.hosts(), view.now)
  const byService = Map.groupBy(placements, ({ service }) => service)
  const planned: PlannedService[] = []
  for (const one of drafts) {
    yield
    planned.push(one.finish(byService))
  }
  const names = new Set(wanted.map(({ definition }) => definition.group.name))
  const others = stored.filter(({ name, wanted }) => !names.has(name) && wanted !== 'gone')
  return {
    project,
    services: [...planned, ...others.map((service) => planRemoval(service, view))],
    order: toStartOrder(wanted.map(({ definition }) => definition.group)),
    notes: toNotes(wanted.map(({ definition }) => definition)),
  }
}
