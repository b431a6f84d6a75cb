import type { HostContainer, HostFacts, HostVitals } from '@rollcall/contracts/admin'
import type { AgentResult } from '@rollcall/contracts/agent'

type Status = AgentResult<'get_status'>

/** A host's own report, in the words of the API: what changes from call to call, and what seldom does. */
export interface Report {
  vitals: HostVitals
  facts: HostFacts
}

export function toReport(status: Status): Report {
  const { memory } = status
  return {
    vitals: {
      uptimeS: status.uptime_s,
      load: status.load,
      cpuPercent: status.cpu.used_percent,
      memoryPercent: percentUsed(memory.total_bytes, memory.available_bytes),
      memory: {
        totalBytes: memory.total_bytes,
        availableBytes: memory.available_bytes,
        swapTotalBytes: memory.swap_total_bytes,
        swapFreeBytes: memory.swap_free_bytes,
      },
      disks: status.disks.map((disk) => ({
        mount: disk.mount,
        filesystem: disk.filesystem,
        totalBytes: disk.total_bytes,
        availableBytes: disk.available_bytes,
      })),
      runningCommands: status.running_commands.length,
    },
    facts: {
      agentVersion: status.agent_version,
      hostname: status.hostname,
      os: status.os,
      kernel: status.kernel,
      architecture: status.architecture,
      bootId: status.boot_id,
      cores: status.cpu.cores,
      timeZone: status.clock.time_zone,
      openPorts: status.open_ports,
      areOpenPortsCut: status.open_ports_truncated,
      containers: status.containers?.map(toContainer) ?? null,
      // When they were last asked is left out: it would make every report a new one.
      containerEngines: status.container_engines.map(({ name, total, failure }) => ({
        name,
        total,
        failure,
      })),
    },
  }
}

function toContainer(container: NonNullable<Status['containers']>[number]): HostContainer {
  const { engine, id, name, image, state, health } = container
  return {
    engine,
    id,
    name,
    image,
    state,
    health,
    startedAt: momentOf(container.started_at_ms),
    endedAt: momentOf(container.ended_at_ms),
    exitCode: container.exit_code,
    ports: container.ports.map((port) => ({
      protocol: port.protocol,
      hostAddress: port.host_address,
      hostPort: port.host_port,
      containerPort: port.container_port,
      count: port.count,
    })),
    arePortsCut: container.ports_truncated,
  }
}

/** A host may say any number: one that is no date is as good as none. */
function momentOf(epochMs: number | null): string | null {
  if (epochMs === null) return null
  const date = new Date(epochMs)
  return Number.isNaN(date.getTime()) || date.getUTCFullYear() > 9999 ? null : date.toISOString()
}

/** 0 to 100, to one decimal. A host that says it has nothing, or more left than it has, has nothing in use. */
export function percentUsed(total: number, available: number): number {
  if (total <= 0) return 0
  return Math.round(Math.min(100, Math.max(0, 100 * (1 - available / total))) * 10) / 10
}

/** Of the fullest disk; 0 without any. */
export const fullestDisk = (vitals: Pick<HostVitals, 'disks'>): number =>
  vitals.disks.reduce((most, disk) => Math.max(most, percentUsed(disk.totalBytes, disk.availableBytes)), 0)

/**
 * The host's clock minus ours in milliseconds, as exact as half the round trip: the agent read its clock somewhere
 * between our question and its answer.
 */
export const clockOffset = (hostMs: number, askedMs: number, answeredMs: number): number =>
  Math.round(hostMs - (askedMs + answeredMs) / 2)
