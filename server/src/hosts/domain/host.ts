import type { HostState, SshCredential } from '@rollcall/contracts/admin'

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
  /** The pinned fingerprint of the SSH host key; null until the first connection. */
  hostKey: string | null
  /** The heartbeat profile chosen for it; null where its labels decide. */
  heartbeatProfile: string | null
  autoReinstall: boolean
  lastProvisioning: string | null
  /** The id of another host that was last found to be the same machine or a clone of it. */
  sameMachineAs: string | null
  createdAt: Date
  agent: HostAgent | null
  /** Whether an agent was installed once, so that commands may be sent to it. */
  isInstalled: boolean
}

export interface HostAgent {
  port: number
  /** The port that it is being moved to; null where it stays. */
  nextPort: number | null
  certificatePin: string
  /** Of the identity that the agent knows the servers by. */
  serverPin: string
  version: string | null
  architecture: string | null
  installedAt: Date | null
  lastAnswerAt: Date | null
  credentialsAt: Date
  rotatedAt: Date | null
}

/** How to sign in over SSH and to become root, in the clear: it stays in memory. */
export interface HostCredential {
  ssh: SshCredential
  sudoPassword?: string | undefined
}

/** How a host is reached over SSH, its secrets in the clear. */
export interface HostReach {
  address: string
  port: number
  user: string
  /** The pinned fingerprint; null until the first connection. */
  hostKey: string | null
  credential: HostCredential
}

/** What a person may choose for a host; what is left out stays. */
export interface HostSettings {
  labels?: Record<string, string> | undefined
  heartbeatProfile?: string | null | undefined
  autoReinstall?: boolean | undefined
  /** Whether it may be the machine, or a clone, of another host. */
  isDuplicateAllowed?: true | undefined
  reach?: HostReach | undefined
}

/** What must still hold of a host for it to be changed. */
export interface HostGuard {
  labels?: Record<string, string> | undefined
  /** The credential as it was read. */
  sealed?: Uint8Array | undefined
  /** States that it must not be in. */
  notIn?: readonly HostState[] | undefined
}

/** States in which an installation, upgrade or removal is under way, so that no other one begins. */
export const BUSY: readonly HostState[] = ['installing', 'upgrading', 'removing'] satisfies HostWork[]

export type HostWork = 'installing' | 'upgrading' | 'removing'
