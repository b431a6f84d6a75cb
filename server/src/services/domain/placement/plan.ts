import type { FleetColumns } from './fleet-columns.ts'
import { PortTable } from './port-table.ts'
import type { PlacementRequest, PortNumber, Resources } from './view.ts'

/** The least that an instance counts for in its host's load: else those that reserve nothing would all go to one. */
const MIN_COUNTED: Resources = { milliCpus: 100, memoryBytes: 64 * 1024 * 1024 }
/** An image needs its own size and a tenth on the disk while it is imported. */
const IMAGE_ROOM = 1.1

/** Computes the room on the disk that images of this size need. */
export const toImageRoom = (bytes: number): number => Math.ceil(bytes * IMAGE_ROOM)

export const RESOURCES = ['milliCpus', 'memoryBytes'] as const
export type ResourceName = (typeof RESOURCES)[number]

/** One resource of every host. */
export interface ResourceColumn {
  total: Float64Array
  used: Float64Array
  /** Reserved by slots of this run. */
  taken: Float64Array
  /** As `taken`, with a minimum for each slot. */
  counted: Float64Array
}

/** An image of the request whose turn it is. */
interface NeededImage {
  digest: string
  bytes: number
  /** The hosts that have it, and 1 for each of them. */
  hosts: readonly number[]
  marks: Uint8Array
  /** The hosts on which it will be. */
  coming: Set<number>
}

/** Keeps what a run has taken so far, and the turn of one request. */
export class Plan {
  readonly ports: PortTable
  readonly resources: Readonly<Record<ResourceName, ResourceColumn>>
  /** How many instances each host has of the service whose turn it is. */
  readonly counts: Uint16Array
  /** How many instances each host has, of all services. */
  readonly allCounts: Uint16Array
  /** The images of the service whose turn it is. */
  images: readonly NeededImage[] = []
  readonly #fleet: FleetColumns
  readonly #instances = new Map<string, Map<number, number>>()
  /** The images that will be on a host, by digest. */
  readonly #coming = new Map<string, Set<number>>()
  readonly #freeDisk: Float64Array

  constructor(fleet: FleetColumns) {
    this.#fleet = fleet
    this.ports = new PortTable(fleet)
    this.resources = {
      milliCpus: toColumn(fleet, 'milliCpus'),
      memoryBytes: toColumn(fleet, 'memoryBytes'),
    }
    this.counts = new Uint16Array(fleet.size)
    this.allCounts = fleet.instances.slice()
    this.#freeDisk = fleet.freeDiskBytes.slice()
  }

  /** Begins the turn of a request. */
  begin({ service, instances, images }: PlacementRequest): void {
    const own = this.#instances.get(service) ?? this.#countInstances(instances)
    this.#instances.set(service, own)
    this.counts.fill(0)
    for (const [at, count] of own) this.counts[at] = count
    this.images = images.map(({ digest, bytes }) => {
      const hosts = this.#fleet.imageHosts(digest)
      const coming = this.#coming.get(digest) ?? new Set()
      return { digest, bytes, hosts, marks: this.#fleet.mark(hosts), coming }
    })
  }

  /** Takes a host for one slot of the request whose turn it is. Returns the slot's ports. */
  take(at: number, request: PlacementRequest, slot: number): PortNumber[] {
    const { milliCpus, memoryBytes } = this.resources
    reserve(milliCpus, at, request.needs.milliCpus, MIN_COUNTED.milliCpus)
    reserve(memoryBytes, at, request.needs.memoryBytes, MIN_COUNTED.memoryBytes)
    this.#freeDisk[at] = (this.#freeDisk[at] as number) - this.missingImageBytes(at)
    for (const { digest, coming } of this.images) this.#coming.set(digest, coming.add(at))
    const count = (this.counts[at] as number) + 1
    this.counts[at] = count
    this.allCounts[at] = (this.allCounts[at] as number) + 1
    this.#instances.get(request.service)?.set(at, count)
    return this.ports.take(at, request, slot)
  }

  freeOf(resource: ResourceName, at: number): number {
    const { total, used, taken } = this.resources[resource]
    return Math.max(0, (total[at] as number) - (used[at] as number) - (taken[at] as number))
  }

  freeDiskOf(at: number): number {
    return this.#freeDisk[at] as number
  }

  /** Computes how much disk the images need that are not on a host and not on their way to it. */
  missingImageBytes(at: number): number {
    let bytes = 0
    for (const image of this.images) if (image.marks[at] === 0 && !image.coming.has(at)) bytes += image.bytes
    return toImageRoom(bytes)
  }

  #countInstances(hosts: readonly string[]): Map<number, number> {
    const counts = new Map<number, number>()
    for (const at of this.#fleet.findAll(hosts)) counts.set(at, (counts.get(at) ?? 0) + 1)
    return counts
  }

  /** Computes the share of a resource that is free once one more slot with these needs is there, from 0 to 1. */
  freeShareAfter(resource: ResourceName, at: number, needs: Resources): number {
    const { total, used, counted } = this.resources[resource]
    const all = total[at] as number
    if (all <= 0) return 0
    const need = Math.max(needs[resource], MIN_COUNTED[resource])
    return Math.max(0, (all - (used[at] as number) - (counted[at] as number) - need) / all)
  }
}

const toColumn = (fleet: FleetColumns, resource: ResourceName): ResourceColumn => ({
  total: fleet.total[resource],
  used: fleet.used[resource],
  taken: new Float64Array(fleet.size),
  counted: new Float64Array(fleet.size),
})

function reserve({ taken, counted }: ResourceColumn, at: number, need: number, minimum: number): void {
  taken[at] = (taken[at] as number) + need
  counted[at] = (counted[at] as number) + Math.max(need, minimum)
}
