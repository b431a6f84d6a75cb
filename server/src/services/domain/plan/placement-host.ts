import type { ErrorCode } from '@rollcall/contracts'
import type { HostCapacity } from '../../../heartbeats/index.ts'
import type { PlacementHost, Resources, UsedPort } from '../placement/view.ts'

/** The room, ports and images of a host that are the server’s own. */
export interface HostUse {
  instances: number
  reserved: Resources
  ports: readonly UsedPort[]
  /** Digests of the images that it has. */
  images: readonly string[]
}

const NOTHING: HostUse = { instances: 0, reserved: { milliCpus: 0, memoryBytes: 0 }, ports: [], images: [] }
const MILLI = 1000
/** Why a host is degraded that takes instances all the same. */
const BUSY_CODE: ErrorCode = 'host.cpu_high'
/** Where podman keeps images. */
const IMAGE_FOLDER = '/var/lib/containers'
/** Names of architectures: those of agents, and those of images. */
const ARCHITECTURES: Readonly<Record<string, string>> = {
  x64: 'amd64',
  x86_64: 'amd64',
  amd64: 'amd64',
  arm64: 'arm64',
  aarch64: 'arm64',
}

/** Shows a host to placement as it last reported, with what the server has put on it. A host that never reported has room for nothing. */
export function toPlacementHost(host: HostCapacity, use: HostUse = NOTHING): PlacementHost {
  const { id, name, state, labels, architecture, silences, memory } = host
  const milliCpus = (host.cores ?? 0) * MILLI
  const memoryBytes = memory?.totalBytes ?? 0
  const share = (percent: number | null, all: number) => Math.round(((percent ?? 0) / 100) * all)
  return {
    id,
    name,
    state,
    isBusy: host.stateCode === BUSY_CODE,
    labels,
    silences,
    isDrained: false,
    settlesAt: null,
    protocol: null,
    architecture: architecture === null ? null : (ARCHITECTURES[architecture] ?? architecture),
    engine: toEngine(host),
    capacity: { milliCpus, memoryBytes },
    instances: use.instances,
    reserved: use.reserved,
    measured: {
      milliCpus: share(host.cpuPercent, milliCpus),
      memoryBytes: share(host.memoryPercent, memoryBytes),
    },
    freeDiskBytes: toFreeDisk(host),
    ports: toUsedPorts(host, use),
    images: use.images,
  }
}

/** An engine is reported once it has been used: a host that reports none may have podman, and says so when an instance is prepared. */
function toEngine({ containerEngines }: HostCapacity): PlacementHost['engine'] {
  const names = containerEngines.map(({ name }) => name)
  return names.includes('docker') && !names.includes('podman') ? 'docker' : 'podman'
}

/** Returns the room on the disk that holds the images: the one that is mounted nearest above them. */
function toFreeDisk({ disks }: HostCapacity): number {
  const holds = (mount: string) =>
    mount === '/' || `${IMAGE_FOLDER}/`.startsWith(`${mount.replace(/\/$/, '')}/`)
  const nearest = disks
    .filter(({ mount }) => holds(mount))
    .sort((one, other) => other.mount.length - one.mount.length)[0]
  return nearest?.availableBytes ?? 0
}

function toUsedPorts({ openPorts }: HostCapacity, { ports }: HostUse): UsedPort[] {
  const own = new Set(ports.map(({ protocol, port }) => `${protocol}/${port}`))
  const others = new Map(
    (openPorts ?? [])
      .filter(({ protocol, port }) => !own.has(`${protocol}/${port}`))
      .map(({ protocol, port }) => [`${protocol}/${port}`, { protocol, port, holder: 'another program' }]),
  )
  return [...ports, ...others.values()]
}
