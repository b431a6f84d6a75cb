/** Reads a host's state with its own tools, to compare it with its agent's reports. */
import type { Host } from '../bed/index.ts'

const words = (text: string) => text.trim().split(/\s+/)

export interface ProcWords {
  memory: { total_bytes: number; swap_total_bytes: number }
  availableBytes: number
  uptimeS: number
  load: number[]
  timeMs: number
}

/** By /proc and date. */
export async function procOf(host: Host): Promise<ProcWords> {
  const read =
    'cat /proc/meminfo; echo --; cat /proc/uptime; echo --; cat /proc/loadavg; echo --; date +%s%3N'
  const [meminfo = '', uptime = '', load = '', time = ''] = (await host.output(['sh', '-ec', read])).split(
    '--\n',
  )
  const bytes = (key: string) => Number(new RegExp(`^${key}: +(\\d+) kB$`, 'm').exec(meminfo)?.[1]) * 1024
  return {
    memory: { total_bytes: bytes('MemTotal'), swap_total_bytes: bytes('SwapTotal') },
    availableBytes: bytes('MemAvailable'),
    uptimeS: Number(words(uptime)[0]),
    load: words(load).slice(0, 3).map(Number),
    timeMs: Number(time),
  }
}

/** By df, in bytes. */
export async function rootDiskOf(host: Host) {
  const table = await host.output(['df', '--block-size=1', '--output=fstype,size,avail', '/'])
  const [filesystem = '', size, available] = words(table.split('\n')[1] ?? '')
  return { filesystem, totalBytes: Number(size), availableBytes: Number(available) }
}

/** By ss: listening TCP and unconnected UDP ports such as `tcp 0.0.0.0 22`, sorted. */
export async function toOpenPorts(host: Host): Promise<string[]> {
  const ports = new Set<string>()
  for (const protocol of ['tcp', 'udp']) {
    const table = await host.output(['ss', '--no-header', '--numeric', '--listening', `--${protocol}`])
    for (const line of table.split('\n').filter(Boolean)) {
      const [, address = '', port] = /^(.*):(\d+)$/.exec(words(line)[3] ?? '') ?? []
      // It writes `*` for both families at once, and the interface behind an address that is bound to one.
      const plain = address.replace(/^\[|\]$/g, '').replace(/%.*$/, '')
      ports.add(`${protocol} ${plain === '*' ? '::' : plain} ${port}`)
    }
  }
  return [...ports].sort()
}

export interface ContainerWords {
  id: string
  name: string
  image: string
  state: string
  /** Such as `0.0.0.0:8080->80/tcp`. */
  ports: string[]
  startedAtMs: number | null
  exitCode: number
}

/** By `podman ps`, and by `podman inspect` for what that says in words only. Sorted by name. */
export async function toContainers(host: Host): Promise<ContainerWords[]> {
  const ps = ['podman', 'ps', '--all', '--no-trunc', '--sort=names', '--format']
  const rows = (await host.output([...ps, '{{.ID}}|{{.Names}}|{{.Image}}|{{.Ports}}'])).split('\n')
  const containers: ContainerWords[] = []
  for (const row of rows.filter(Boolean)) {
    const [id = '', name = '', image = '', ports = ''] = row.split('|')
    const format = '{{.State.Status}} {{.State.ExitCode}} {{.State.StartedAt.UnixMilli}}'
    const [state = '', exitCode, startedMs] = words(
      await host.output(['podman', 'inspect', '--format', format, id]),
    )
    containers.push({
      id,
      name,
      image,
      state,
      ports: ports.split(', ').filter(Boolean),
      exitCode: Number(exitCode),
      startedAtMs: Number(startedMs) > 0 ? Number(startedMs) : null,
    })
  }
  return containers
}
