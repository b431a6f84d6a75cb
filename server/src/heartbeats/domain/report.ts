import type { HostFacts, HostVitals } from '@rollcall/contracts/admin'
import type { AgentResult } from '@rollcall/contracts/agent'

type Status = AgentResult<'get_status'>

/** A host's own report, in the words of the API: what changes from call to call, and what seldom does. */
export interface Report {
  vitals: HostVitals
  facts: HostFacts
}

export function reportOf(status: Status): Report {
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
    },
  }
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
