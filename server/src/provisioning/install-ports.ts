import type { PortRange, SshCredential } from '@rollcall/contracts/admin'
import type { SignedRelease } from '@rollcall/contracts/agent'
import type { OutgoingAddresses } from '../platform/network/outgoing-addresses.ts'
import type { OutputStream } from '../platform/ssh/index.ts'
import type { AgentArchitecture, PreflightCheck } from './domain/preflight-decision.ts'
import type { PreflightReport } from './domain/preflight-report.ts'

/** A host as it is reached over SSH. */
export interface SshHost {
  /** A DNS name or an IP address; IPv6 without brackets. */
  address: string
  port: number
  user: string
  credential: SshCredential
  /** For a user whose sudo asks for a password; the SSH password is tried when this is missing. */
  sudoPassword?: string | undefined
  /** The trusted fingerprint, `SHA256:…`; null to trust, through `onHostKey`, the key that is shown. */
  pinnedHostKey: string | null
  /** Which addresses may be connected to; by default neither loopback nor link-local ones. */
  outgoing?: OutgoingAddresses
}

/** Who an agent is: made by the server, kept through every reinstallation. */
export interface AgentIdentity {
  agentToken: string
  secretKey: string
  rpcPort: number
  rpcPath: string
  certificatePem: string
  privateKeyPem: string
}

export interface InstallTarget extends SshHost {
  identity: AgentIdentity
  /** Pins of the servers that may call the agent; at least one. */
  serverPins: readonly string[]
  /** The part of the agent's unit that says who may reach it; empty for everybody. */
  callersUnit?: string
  /** What the agent is told of whose it is. */
  owner: string
  /** Restart the agent even where nothing is amiss: it runs, and yet does not answer. */
  isSilent: boolean
}

export interface ProvisioningPorts {
  /** Stores the pin. Called when nothing was pinned, before any credential is sent. */
  onHostKey(fingerprint: string, algorithm: string): Promise<void>
  /** What a person watches. Called in order, never twice at a time; the host waits for the promise. */
  log(stream: OutputStream, data: Buffer): Promise<void>
}

export interface AgentArchive {
  path: string
  version: string
  /** Of the file, in hexadecimal. */
  sha256: string
  /** The operator's; null where there is none. */
  signature: string | null
}

export interface InstallPorts extends ProvisioningPorts {
  /**
   * Assigns, and stores, another port that is not in `taken` and, if others are left, not in `ephemeral`; asked at a first installation whose
   * port something else holds, or may come to hold.
   */
  changePort(taken: ReadonlySet<number>, ephemeral: PortRange | undefined): Promise<number>
  /** Whether somebody has said which ports agents may have. */
  isPortGiven: boolean
  /** The agent for an architecture, as a tar archive with `bin/node` at its top. */
  agentArchive(architecture: AgentArchitecture): Promise<AgentArchive>
  /** What the host finds that archive genuine by. */
  signRelease(archive: AgentArchive, architecture: AgentArchitecture): Promise<SignedRelease>
  /** A pure-Python Ansible as a tar archive, compressed or not, with the package `ansible` at its top. */
  ansibleBundle(): Promise<{ path: string; sha256: string }>
  /** Whether nobody depends on the port yet. */
  firstInstall: boolean
  /** Says whether the machine, or the agent on it, is another host's. */
  checkMachine(report: PreflightReport, hostKey: string): Promise<PreflightCheck[]>
}

export interface InstallResult {
  architecture: AgentArchitecture
  agentVersion: string
  /** The port that the agent listens on: another than was asked for when `changePort` was used. */
  rpcPort: number
  /** Tasks that changed something: 0 when the host already was as it should be. */
  changedTasks: number
}
