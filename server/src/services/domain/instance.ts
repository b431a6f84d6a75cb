import type {
  CheckStatus,
  ContainerStatus,
  InstanceHealth,
  InstancePort,
  InstanceState,
  WantedState,
} from '@rollcall/contracts/admin'
import type { ContainerImage } from './service.ts'

/** An instance as it is stored, with its ports and the numbers of its revisions. */
export interface InstanceRecord {
  id: string
  serviceId: string
  slot: number
  generation: number
  revisionId: string
  revision: number
  runningRevision: number | null
  hostId: string | null
  hostName: string | null
  wanted: WantedState
  state: InstanceState
  stateSince: Date
  health: InstanceHealth
  healthSince: Date
  reasonCode: string | null
  reason: string | null
  admittedAt: Date | null
  replacedBy: string | null
  commandId: string | null
  containers: ContainerStatus[]
  checks: CheckStatus[]
  ports: InstancePort[]
  /** It is within the scope that was asked for. */
  isVisible: boolean
}

/** A service as it is stored. */
export interface ServiceRecord {
  id: string
  project: string
  name: string
  wanted: WantedState
  replicas: number | null
  /** Label selectors of the hosts that it may be on; null for all. */
  scope: string[] | null
  revisionId: string
  revision: number
  provenRevision: number | null
  images: ContainerImage[]
  /** The playbook that makes it; null for containers. */
  playbook: { name: string; version: string | null } | null
  secrets: Record<string, { version: number }>
  haltedAt: Date | null
  reasonCode: string | null
  reason: string | null
  updatedAt: Date
  updatedBy: string
}
