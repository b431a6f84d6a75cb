import type { RotationHost } from '@rollcall/contracts/admin'
import type { AgentCredentials } from '../../agents/index.ts'
import type { RotationPhase } from './next-step.ts'

/** A host whose agent is called with one of two sets of credentials. */
export interface Rotation {
  hostId: string
  id: string
  phase: RotationPhase
  requestedBy: string
  failures: number
  /** The server that advances it. */
  leaseOwner: string
}

/** A host's credentials as they are shown. */
export interface ListedRotation {
  labels: Record<string, string>
  view: RotationHost
}

export interface RotationSets {
  host: string
  port: number
  old: AgentCredentials
  new: AgentCredentials
}
