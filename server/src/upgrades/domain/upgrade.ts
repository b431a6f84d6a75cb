import type { RingPlan, UpgradeHostState, UpgradeState } from '@rollcall/contracts/admin'

export interface Upgrade {
  id: string
  version: string
  rings: RingPlan
  /** `cancelling`: it ends when nothing is under way any more. */
  state: UpgradeState | 'cancelling'
  reason: string | null
  requestedBy: string
  createdAt: Date
  endedAt: Date | null
}

export interface UpgradeHost {
  hostId: string
  hostName: string
  position: number
  ring: number
  state: UpgradeHostState
  reason: string | null
  commandId: string | null
  endedAt: Date | null
}
