import type { InstancePort, PlanAction } from '@rollcall/contracts/admin'
import type { Explanation } from '../placement/explanation.ts'
import type { PlacedInstance, ResolvedService, StoredService } from '../service.ts'
import type { PlannedChange } from './diff-fields.ts'

/** The plan for one slot. */
export interface PlannedSlot {
  slot: number
  /** The instance that counts for it now; null for a new slot. */
  instance: PlacedInstance | null
  /** Null where no host fits. */
  host: { id: string; name: string } | null
  /**
   * - `keep`: nothing happens. `replace`: a new generation where it is. `move`: on another host, once it is gone here.
   * - `stay`: it would have to move and no other host fits, so it runs on as it is.
   * - `create`: on a host, or waiting for one.
   */
  move: 'keep' | 'replace' | 'move' | 'stay' | 'create'
  ports: readonly InstancePort[]
  /** Null for one that nothing happens to. */
  explanation: Explanation | null
}

export interface PlannedService {
  name: string
  action: PlanAction
  /** Null for one that is in no file any more. */
  wanted: ResolvedService | null
  stored: StoredService | null
  changes: readonly PlannedChange[]
  slots: readonly PlannedSlot[]
  /** Instances that go, without another in their place. */
  leaving: readonly PlacedInstance[]
  /** By name on the host: whose data goes, and whose data stays although nothing uses it. */
  removedVolumes: readonly string[]
  keptVolumes: readonly string[]
}

export interface ServicesPlan {
  project: string
  services: readonly PlannedService[]
  order: readonly (readonly string[])[]
  notes: readonly string[]
}
