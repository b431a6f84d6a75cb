import type { HostFacts, HostState, HostVitals } from '@rollcall/contracts/admin'

/** The room that a host has, as it last reported; null where it never did. */
export interface HostCapacity {
  id: string
  name: string
  state: HostState
  /** The error code behind the state, where there is one. */
  stateCode: string | null
  labels: Readonly<Record<string, string>>
  architecture: string | null
  cores: number | null
  memory: HostVitals['memory'] | null
  disks: HostVitals['disks']
  openPorts: HostFacts['openPorts']
  containerEngines: HostFacts['containerEngines']
  /** Means of the last minutes, or the latest values where there are none. */
  cpuPercent: number | null
  memoryPercent: number | null
  /** When it went offline within a day, a few at most. */
  silences: readonly Date[]
}
