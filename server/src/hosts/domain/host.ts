import { HOST_STATE, type HostState, type SshCredential } from '@rollcall/contracts/admin'

export interface Host {
  id: string
  name: string
  address: string
  port: number
  user: string
  labels: Record<string, string>
  state: HostState
  stateCode: string | null
  stateReason: string | null
  stateSince: Date
  /** The pinned fingerprint of the SSH host key; null before the first connection. */
  hostKey: string | null
  /** The heartbeat profile chosen for this host; null if its labels decide. */
  heartbeatProfile: string | null
  autoReinstall: boolean
  lastProvisioning: string | null
  /** The id of another host that is the same machine or a clone of it. */
  sameMachineAs: string | null
  createdAt: Date
  agent: HostAgent | null
  /** True if an agent was ever installed; commands need one. */
  isInstalled: boolean
}

export interface HostAgent {
  port: number
  /** The port that the agent is moving to; null if it is not moving. */
  nextPort: number | null
  certificatePin: string
  /** The pin of the server identity that the agent knows. */
  serverPin: string
  version: string | null
  architecture: string | null
  installedAt: Date | null
  lastAnswerAt: Date | null
  credentialsAt: Date
  rotatedAt: Date | null
}

/** SSH and sudo secrets in the clear; never stored like this. */
export interface HostCredential {
  ssh: SshCredential
  sudoPassword?: string | undefined
}

/** Address and secrets for SSH, in the clear. */
export interface HostReach {
  address: string
  port: number
  user: string
  /** The pinned fingerprint; null before the first connection. */
  hostKey: string | null
  credential: HostCredential
}

/** A host that is new to the fleet. */
export interface HostToStore extends HostReach, Pick<Host, 'id' | 'name' | 'labels'> {
  isDuplicateAllowed: boolean
}

/** The settings that users may change; fields left out are unchanged. */
export interface HostSettings {
  labels?: Record<string, string> | undefined
  heartbeatProfile?: string | null | undefined
  autoReinstall?: boolean | undefined
  /** True if the host may be the same machine as another host, or a clone. */
  isDuplicateAllowed?: true | undefined
  reach?: HostReach | undefined
}

/** The conditions under which a change is made. */
export interface HostGuard {
  labels?: Record<string, string> | undefined
  /** The sealed credential as it was read. */
  sealed?: Uint8Array | undefined
  /** States in which the change is refused. */
  notIn?: readonly HostState[] | undefined
}

/** States in which an installation, upgrade or removal is running, so that no other may begin. */
const BUSY = HOST_STATE.that('isBusy')
export const BUSY_STATES: readonly HostState[] = BUSY
export type HostWork = (typeof BUSY)[number]

/** Another state of a host, or the same one for another reason. */
export interface HostStateChange {
  hostId: string
  from: HostState
  state: HostState
  code: string | null
  reason: string | null
}

/** The state of a host when the command that works on it ends. */
export interface ProvisioningEnd {
  hostId: string
  commandId: string
  state: HostState | 'removed'
  code: string | null
  reason: string | null
  at: Date
}
