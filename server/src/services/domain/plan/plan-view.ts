import type { PlacementHost } from '../placement/view.ts'
import type { ResolvedService, SlotVolume, StoredService } from '../service.ts'

/** Everything that a plan is made of, at one moment. */
export interface PlanView {
  project: string
  /** In the order in which they start. */
  wanted: readonly ResolvedService[]
  /** All services of the project. */
  stored: readonly StoredService[]
  volumes: readonly SlotVolume[]
  /** The hosts that the services may be on. */
  fleet: readonly PlacementHost[]
  isPruning: boolean
  /** Volumes that go with removed services, by name on the host. */
  removedVolumes: readonly string[]
  now: Date
}
