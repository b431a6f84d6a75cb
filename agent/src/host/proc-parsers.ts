/** Readers of the kernel's text files: pure, so that samples from many kernels can be tried. */

export interface CpuTimes {
  busy: number
  total: number
}

/** The first line of /proc/stat, in ticks since boot. Guest time is already counted as user time. */
export function parseCpuTimes(stat: string): CpuTimes {
  const line = /^cpu +(.*)$/m.exec(stat)?.[1] ?? ''
  const [user = 0, nice = 0, system = 0, idle = 0, ioWait = 0, irq = 0, softIrq = 0, steal = 0] = line
    .split(' ')
    .map(Number)
  const busy = user + nice + system + irq + softIrq + steal
  return { busy, total: busy + idle + ioWait }
}

/** Share of all cores in use between two samples, 0 to 100; null when no time has passed. */
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
 * Parses /proc/meminfo. `arcstats` is /proc/spl/kstat/zfs/arcstats where the host has ZFS: its cache, which the kernel counts as in use,
 * gives back what it has above its minimum, so that is available, as htop counts it.
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

/** Bytes that the ARC can give back, of a memory of which `usedBytes` are in use. */
function reclaimableArc(arcstats: string, usedBytes: number): number {
  const value = (name: string) =>
    Number(new RegExp(`^${name}[ \\t]+\\d+[ \\t]+(\\d+)[ \\t]*$`, 'm').exec(arcstats)?.[1] ?? 0)
  const size = value('size')
  // A container sees the ARC of the machine around it beside a memory of its own, in which it cannot lie.
  if (size > usedBytes) return 0
  return Math.max(0, size - value('c_min'))
}

/** os-release(5): `KEY=value`, the value perhaps quoted. */
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

// What is asked of a file system over the network can hang for ever, and what lives in memory is not a disk.
const LOCAL_FILESYSTEMS = /^(ext[234]|xfs|btrfs|zfs|f2fs|jfs|reiserfs|bcachefs|vfat|exfat|ntfs3?|overlay)$/

/** Local disks out of /proc/self/mounts: each device once, at its shortest mount point; an overlay only as the root. */
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

/** Spaces and the like are written as octal: `\040`. */
const unescapeMount = (text: string) =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
