import type { PortRange } from '@rollcall/contracts/admin'
import type { SignedRelease } from '@rollcall/contracts/agent'
import type { AnsibleBundle } from '../platform/archives/host-tools.ts'
import type { OutputStream, SshTarget } from '../platform/ssh/index.ts'
import type { AgentArchitecture, PreflightCheck } from './domain/preflight-decision.ts'
import type { PreflightReport } from './domain/preflight-report.ts'

/** The part of an agent's identity that its host gets; it is kept across reinstallations. */
interface InstalledIdentity {
  token: string
  secretKey: string
  rpcPort: number
  rpcPath: string
  certificatePem: string
  privateKeyPem: string
}

export interface InstallTarget extends SshTarget {
  identity: InstalledIdentity
  /** Pins of the servers that may call the agent; at least one. */
  serverPins: readonly string[]
  /** The part of the agent's unit that restricts its callers; empty for no restriction. */
  callersUnit?: string
  /** The owner recorded on the host. */
  owner: string
  /** Restarts the agent even if nothing changed, because it runs but does not respond. */
  isSilent: boolean
}

export interface ProvisioningPorts {
  /** Stores the pin. Called before any credential is sent if no key was pinned. */
  onHostKey(fingerprint: string, algorithm: string): Promise<void>
  /** Receives the log for users. Calls are sequential; the host waits for the promise. */
  log(stream: OutputStream, data: Buffer): Promise<void>
}

export interface AgentPackage {
  path: string
  version: string
  /** The hash of the file in hexadecimal. */
  sha256: string
  /** The operator's signature; null if there is none. */
  signature: string | null
}

export interface InstallPorts extends ProvisioningPorts {
  /**
   * Assigns and stores another port that is not in `taken` and, if possible, not in `ephemeral`. Called in a first
   * installation if the port is or may become unavailable.
   */
  changePort(taken: ReadonlySet<number>, ephemeral: PortRange | undefined): Promise<number>
  /** True if a port range for agents is configured. */
  isPortGiven: boolean
  /** Returns the agent for an architecture, as a tar archive with `bin/node` at its top. */
  agentArchive(architecture: AgentArchitecture): Promise<AgentPackage>
  /** Returns the signature by which the host verifies the archive. */
  signRelease(archive: AgentPackage, architecture: AgentArchitecture): Promise<SignedRelease>
  /** Returns a pure-Python Ansible as a tar archive, compressed or not, with the package `ansible` at its top. */
  ansibleBundle(): Promise<AnsibleBundle>
  /** True if nothing depends on the port yet. */
  firstInstall: boolean
  /** Checks whether the machine or its agent belongs to another host. */
  checkMachine(report: PreflightReport, hostKey: string): Promise<PreflightCheck[]>
}

export interface InstallResult {
  architecture: AgentArchitecture
  agentVersion: string
  /** The agent's port, which differs from the requested one if `changePort` was called. */
  rpcPort: number
  /** The number of tasks that changed something; 0 if the host was up to date. */
  changedTasks: number
}
