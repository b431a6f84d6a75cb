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
