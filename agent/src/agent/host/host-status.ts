import { readFileSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { availableParallelism, hostname, machine, release } from 'node:os'
import { sanitizeText } from '@rollcall/contracts'
import type { AgentResult } from '@rollcall/contracts/agent'
import type { Clock } from '../../platform/clock.ts'
import { errorCode, readIfThere } from '../../platform/files.ts'
import type { ContainerStatus } from '../containers/container-status.ts'
import { readOpenPorts } from './open-ports.ts'
import {
  type CpuTimes,
  type Mount,
  parseCpuTimes,
  parseDisks,
  parseLoad,
  parseMemory,
  parseOsRelease,
  parseUptime,
  usedPercent,
} from './proc-parsers.ts'

type Status = AgentResult<'get_status'>

const ARCSTATS = '/proc/spl/kstat/zfs/arcstats'

/** Minimum time between two CPU samples. */
const CPU_WINDOW_MS = 1000

/** Reads the facts that `get_status` reports. */
export class HostStatus {
  #sample: { times: CpuTimes; atMs: number } | null = null
  #lastPercent: number | null = null

  constructor(
    private readonly version: string,
    private readonly bootId: string,
    private readonly clock: Clock,
    private readonly containers: Pick<ContainerStatus, 'read'>,
  ) {}

  async read(runningCommands: string[]): Promise<Status> {
    const open = readOpenPorts()
    const os = parseOsRelease(readIfThere('/etc/os-release') ?? readIfThere('/usr/lib/os-release') ?? '')
    return {
      agent_version: this.version,
      hostname: sanitizeText(hostname(), 255),
      os: {
        id: sanitizeText(os.id, 64),
        version: sanitizeText(os.version, 64),
        name: sanitizeText(os.name, 128),
      },
      kernel: sanitizeText(release(), 128),
      architecture: sanitizeText(machine(), 32),
      boot_id: this.bootId,
      uptime_s: parseUptime(readProc('uptime')),
      clock: { time_ms: this.clock.epochMs(), time_zone: timeZone() },
      load: parseLoad(readProc('loadavg')),
      cpu: { cores: availableParallelism(), used_percent: this.#cpuPercent() },
      memory: parseMemory(readProc('meminfo'), readIfThere(ARCSTATS)),
      disks: await readDisks(parseDisks(readProc('self/mounts'))),
      running_commands: runningCommands.slice(0, 1000),
      open_ports: open.ports,
      open_ports_truncated: open.isTruncated,
      ...this.containers.read(),
    }
  }

  #cpuPercent(): number | null {
    const times = parseCpuTimes(readProc('stat'))
    const atMs = this.clock.monotonicMs()
    if (this.#sample !== null) {
      if (atMs - this.#sample.atMs < CPU_WINDOW_MS) return this.#lastPercent
      this.#lastPercent = usedPercent(this.#sample.times, times)
    }
    this.#sample = { times, atMs }
    return this.#lastPercent
  }
}

const readProc = (name: string) => readFileSync(`/proc/${name}`, 'utf8')

let knownTimeZone: string | undefined

/** Returns the host's time zone. The runtime reads it once, so a change shows after a restart of the agent. */
function timeZone(): string {
  knownTimeZone ??= sanitizeText(Intl.DateTimeFormat().resolvedOptions().timeZone ?? 'UTC', 64)
  return knownTimeZone
}

async function readDisks(mounts: Mount[]): Promise<Status['disks']> {
  const disks = await Promise.all(mounts.map(readDisk))
  return disks.filter((disk) => disk !== null)
}

async function readDisk({ mount, filesystem }: Mount): Promise<Status['disks'][number] | null> {
  try {
    const { blocks, bavail, bsize } = await statfs(mount)
    return {
      mount: sanitizeText(mount, 4096),
      filesystem,
      total_bytes: blocks * bsize,
      available_bytes: bavail * bsize,
    }
  } catch (error) {
    // Hidden from the agent by its unit, or unmounted meanwhile: the disk is left out.
    if (['EACCES', 'EPERM', 'ENOENT', 'ENOTDIR', 'EIO'].includes(errorCode(error))) return null
    throw error
  }
}
