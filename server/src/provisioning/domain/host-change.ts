import type { AgentPortChange } from '../../agents/index.ts'
import type { HostGuard, HostSettings, HostToStore } from '../../hosts/index.ts'
import type { NewCommandRun } from '../../runs/index.ts'

export interface HostToAdd {
  host: HostToStore
  run: NewCommandRun
  /** The port range for its agent; null for the server's default. */
  ports: string | null
  now: Date
}

/** The change to a host, decided while `onlyIf` held. */
export interface HostChangePlan {
  settings: HostSettings
  onlyIf: HostGuard
  /** The agent's new port; undefined if it is unchanged. */
  port?: AgentPortChange | undefined
}
