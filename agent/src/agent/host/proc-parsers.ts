/** Parses the kernel's text files; pure, so that samples from many kernels can be tested. */

export interface CpuTimes {
  busy: number
  total: number
}

/** Parses the first line of /proc/stat, in ticks since boot. User time includes guest time. */
export function parseCpuTimes(stat: string): CpuTimes {
  const line = /^cpu +(.*)$/m.exec(stat)?.[1] ?? ''
  const [user = 0, nice = 0, system = 0, idle = 0, ioWait = 0, irq = 0, softIrq = 0, steal = 0] = line
    .split(' ')
    .map(Number)
  const busy = user + nice + system + irq + softIrq + steal
  return { busy, total: busy + idle + ioWait }
}

/** Computes the share of all cores in use between two samples, 0 to 100. Returns null if no time has passed. */
export function usedPercent(before: CpuTimes, after: CpuTimes): number | null {
  const total = after.total - before.total
  if (total <= 0) return null
  const percent = (100 * (after.busy - before.busy)) / total
  return Math.round(Math.min(100, Math.max(0, percent)) * 10) / 10
}

export interface Memory {
  total_bytes: number
  available_bytes: number
  swap_total_bytes: number
  swap_free_bytes: number
}

/**
 * Parses /proc/meminfo. `arcstats` is /proc/spl/kstat/zfs/arcstats on a host with ZFS: the reclaimable part of its cache counts as
 * available, as in htop.
 */
export function parseMemory(meminfo: string, arcstats: string | null = null): Memory {
  const bytes = (key: string) =>
    Number(new RegExp(`^${key}: +(\\d+) kB$`, 'm').exec(meminfo)?.[1] ?? 0) * 1024
  const total = bytes('MemTotal')
  const available = bytes('MemAvailable')
  return {
    total_bytes: total,
    available_bytes: available + reclaimableArc(arcstats ?? '', total - available),
    swap_total_bytes: bytes('SwapTotal'),
    swap_free_bytes: bytes('SwapFree'),
  }
}

/** Returns the bytes that the ARC can free, given the memory in use. */
function reclaimableArc(arcstats: string, usedBytes: number): number {
  const value = (name: string) =>
    Number(new RegExp(`^${name}[ \\t]+\\d+[ \\t]+(\\d+)[ \\t]*$`, 'm').exec(arcstats)?.[1] ?? 0)
  const size = value('size')
  // A container sees the ARC of its host, which is not part of the container's memory.
  if (size > usedBytes) return 0
  return Math.max(0, size - value('c_min'))
}

/** Parses os-release(5): lines of `KEY=value`, the value optionally quoted. */
export function parseOsRelease(text: string): { id: string; version: string; name: string } {
  const value = (key: string) => {
    const raw = new RegExp(`^${key}=(.*)$`, 'm').exec(text)?.[1]?.trim() ?? ''
    return raw.replace(/^(["'])(.*)\1$/, '$2').replace(/\\(["'$`\\])/g, '$1')
  }
  return {
    id: value('ID') || 'linux',
    version: value('VERSION_ID'),
    name: value('PRETTY_NAME') || value('NAME'),
  }
}

export function parseLoad(loadavg: string): [number, number, number] {
  const [one = 0, five = 0, fifteen = 0] = loadavg.split(' ').map(Number)
  return [one, five, fifteen]
}

export const parseUptime = (uptime: string): number => Number(uptime.split(' ')[0]) || 0

export interface Mount {
  device: string
  mount: string
  filesystem: string
}

// A call to a network file system may hang forever, and a file system in memory is no disk.
const LOCAL_FILESYSTEMS = /^(ext[234]|xfs|btrfs|zfs|f2fs|jfs|reiserfs|bcachefs|vfat|exfat|ntfs3?|overlay)$/

/** Parses the local disks in /proc/self/mounts: each device once, at its shortest mount point; an overlay only as the root. */
export function parseDisks(mounts: string): Mount[] {
  const byDevice = new Map<string, Mount>()
  for (const line of mounts.split('\n')) {
    const [device, mount, filesystem] = line.split(' ').map(unescapeMount)
    if (!device || !mount || !filesystem || !LOCAL_FILESYSTEMS.test(filesystem)) continue
    if (filesystem === 'overlay' && mount !== '/') continue
    const known = byDevice.get(device)
    if (known === undefined || mount.length < known.mount.length)
      byDevice.set(device, { device, mount, filesystem })
  }
  return [...byDevice.values()].slice(0, 64)
}

/** Decodes characters that are written in octal, such as `\040` for a space. */
const unescapeMount = (text: string) =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
