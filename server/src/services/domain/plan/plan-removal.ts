import type { StoredService } from '../service.ts'
import type { PlanView } from './plan-view.ts'
import type { PlannedService } from './planned.ts'
import { movesOf } from './wanted-services.ts'

/** Plans what becomes of a service that is in the file no more: it stays unless the plan prunes, and its volumes unless they are named. */
export function planRemoval(
  service: StoredService,
  { isPruning, removedVolumes, volumes }: Pick<PlanView, 'isPruning' | 'removedVolumes' | 'volumes'>,
): PlannedService {
  const own = [
    ...movesOf(service.revision.definition).map(({ name }) => name),
    ...volumes.filter((one) => one.service === service.name).map(({ name }) => name),
  ]
  const names = [...new Set(own)].sort()
  return {
    name: service.name,
    action: isPruning ? 'removed' : 'left_behind',
    wanted: null,
    stored: service,
    changes: [],
    slots: [],
    leaving: isPruning ? service.instances : [],
    removedVolumes: isPruning ? names.filter((name) => removedVolumes.includes(name)) : [],
    keptVolumes: isPruning ? names.filter((name) => !removedVolumes.includes(name)) : [],
  }
}
