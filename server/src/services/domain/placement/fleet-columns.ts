import { type LabelTerm, matchesLabels, toTermText } from '@rollcall/contracts/admin'
import { hashText } from './hash.ts'
import {
  isChosenPort,
  type PlacementHost,
  type PlacementRequest,
  type PortNumber,
  type Resources,
  toPortKey,
} from './view.ts'

/** How many hosts are read between two yields: well below a millisecond. */
const HOSTS_PER_STEP = 1000

/** Keys by which constraints mean the host itself, as Compose has them. */
const HOST_ATTRIBUTES: Readonly<Record<string, (host: PlacementHost) => string | undefined>> = {
  'node.hostname': (host) => host.name,
  'node.platform.arch': (host) => host.architecture ?? undefined,
}

/** The values of one label: `ids[host]` stands for `values[id]`; undefined is the value of hosts without the label. */
export interface LabelColumn {
  ids: Int32Array
  values: readonly (string | undefined)[]
}

/**
 * A fleet by columns: hosts are numbers here, in the order of their ids, and what is asked of all of them is computed
 * once and kept. It never changes; what a run takes is in `Plan`.
 */
export class FleetColumns {
  readonly hosts: readonly PlacementHost[]
  readonly size: number
  /** The hash of each host's id. */
  readonly hashes: Uint32Array
  readonly total: Readonly<Record<keyof Resources, Float64Array>>
  /** The larger of what is measured and what is reserved. */
  readonly used: Readonly<Record<keyof Resources, Float64Array>>
  readonly freeDiskBytes: Float64Array
  /** How many instances each host has, of all services. */
  readonly instances: Uint16Array
  /** How many of the ports to choose from are in use. */
  readonly chosenPorts: Readonly<Record<PortNumber['protocol'], Uint16Array>>
  /** 1 for each host that is online, and that is not drained. */
  readonly online: Uint8Array
  readonly open: Uint8Array
  /** The hosts that settle or did, and those that fell silent lately. */
  readonly settling: number[] = []
  readonly silenced: number[] = []
  readonly #imageHosts = new Map<string, number[]>()
  readonly #portHolders = new Map<number, Map<number, string>>()
  readonly #kept = new Map<string, unknown>()

  private constructor(fleet: readonly PlacementHost[]) {
    const size = fleet.length
    this.hosts = isSorted(fleet) ? fleet : fleet.toSorted((a, b) => (a.id < b.id ? -1 : 1))
    this.size = size
    this.hashes = new Uint32Array(size)
    this.total = { milliCpus: new Float64Array(size), memoryBytes: new Float64Array(size) }
    this.used = { milliCpus: new Float64Array(size), memoryBytes: new Float64Array(size) }
    this.freeDiskBytes = new Float64Array(size)
    this.instances = new Uint16Array(size)
    this.online = new Uint8Array(size)
    this.open = new Uint8Array(size)
    this.chosenPorts = { tcp: new Uint16Array(size), udp: new Uint16Array(size) }
  }

  /** Reads a fleet, and where the images and fixed ports of these requests are. Yields between short steps. */
  static *read(
    fleet: readonly PlacementHost[],
    requests: readonly PlacementRequest[],
  ): Generator<void, FleetColumns> {
    const columns = new FleetColumns(fleet)
    for (const { images, ports } of requests) {
      for (const { digest } of images) columns.#imageHosts.set(digest, [])
      for (const { protocol, port } of ports)
        if (port !== null) columns.#portHolders.set(toPortKey({ protocol, port }), new Map())
    }
    for (let at = 0; at < columns.size; at++) {
      if (at % HOSTS_PER_STEP === 0) yield
      columns.#read(at, columns.host(at))
    }
    return columns
  }

  /** Reads what every run needs, all of a host at once: its objects are far apart in memory. */
  #read(at: number, host: PlacementHost): void {
    const { capacity, reserved, measured, freeDiskBytes, instances, images, ports } = host
    this.hashes[at] = hashText(host.id)
    this.total.milliCpus[at] = capacity.milliCpus
    this.total.memoryBytes[at] = capacity.memoryBytes
    this.used.milliCpus[at] = Math.max(measured.milliCpus, reserved.milliCpus)
    this.used.memoryBytes[at] = Math.max(measured.memoryBytes, reserved.memoryBytes)
    this.freeDiskBytes[at] = freeDiskBytes
    this.instances[at] = instances
    if (host.state === 'online') this.online[at] = 1
    if (!host.isDrained) this.open[at] = 1
    if (host.settlesAt !== null) this.settling.push(at)
    if (host.silences.length > 0) this.silenced.push(at)
    if (this.#imageHosts.size > 0) for (const digest of images) this.#imageHosts.get(digest)?.push(at)
    for (const used of ports) this.#portHolders.get(toPortKey(used))?.set(at, used.holder)
    if (ports.some(({ port }) => isChosenPort(port))) this.#countChosen(at, ports)
  }

  /** Counts each port once, though several programs may have it on addresses of their own. */
  #countChosen(at: number, ports: readonly PortNumber[]): void {
    for (const protocol of ['tcp', 'udp'] as const) {
      const own = ports.filter((each) => each.protocol === protocol && isChosenPort(each.port))
      this.chosenPorts[protocol][at] = new Set(own.map(({ port }) => port)).size
    }
  }

  host(at: number): PlacementHost {
    const host = this.hosts[at]
    if (!host) throw new RangeError(`there is no host ${at} among ${this.size}`)
    return host
  }

  /** Returns the number of a host by its id; undefined for one that is not in the fleet. */
  find(id: string): number | undefined {
    return this.keep('positions', () => new Map(this.hosts.map(({ id }, at) => [id, at]))).get(id)
  }

  /** Returns what is kept under `key`, and makes it first if it is not there. */
  keep<T>(key: string, make: () => T): T {
    if (!this.#kept.has(key)) this.#kept.set(key, make())
    return this.#kept.get(key) as T
  }

  /** Returns 1 for each host of which `holds` is true, kept under `key`. */
  flags(key: string, holds: (host: PlacementHost) => boolean): Uint8Array {
    return this.keep(`flags ${key}`, () => {
      const flags = new Uint8Array(this.size)
      for (let at = 0; at < this.size; at++) if (holds(this.host(at))) flags[at] = 1
      return flags
    })
  }

  /** Returns the numbers of the hosts among `ids` that are in the fleet. */
  findAll(ids: readonly string[]): number[] {
    return ids.flatMap((id) => this.find(id) ?? [])
  }

  /** Returns 1 for each of these hosts. */
  mark(hosts: readonly number[]): Uint8Array {
    const marks = new Uint8Array(this.size)
    for (const at of hosts) marks[at] = 1
    return marks
  }

  /** Returns the hosts that have an image. */
  imageHosts(digest: string): readonly number[] {
    return this.#imageHosts.get(digest) ?? []
  }

  /** Returns who has a port, by host, before the run. */
  portHolders(port: PortNumber): ReadonlyMap<number, string> {
    return this.#portHolders.get(toPortKey(port)) ?? new Map()
  }

  label(key: string): LabelColumn {
    return this.#column(`label ${key}`, ({ labels }) =>
      Object.hasOwn(labels, key) ? labels[key] : undefined,
    )
  }

  /** Returns 1 for each host whose labels match a term. */
  matches(term: LabelTerm): Uint8Array {
    return this.keep(`term ${toTermText(term)}`, () => this.#match(this.label(term.key), term))
  }

  /** Returns 1 for each host that keeps a constraint. */
  meets(term: LabelTerm): Uint8Array {
    const toValue = HOST_ATTRIBUTES[term.key]
    if (!toValue) return this.matches(term)
    return this.keep(`constraint ${toTermText(term)}`, () =>
      this.#match(this.#column(`attribute ${term.key}`, toValue), term),
    )
  }

  #match({ ids, values }: LabelColumn, term: LabelTerm): Uint8Array {
    const verdicts = values.map((value) =>
      matchesLabels([term], value === undefined ? {} : { [term.key]: value }),
    )
    const marks = new Uint8Array(this.size)
    for (let at = 0; at < this.size; at++) if (verdicts[ids[at] as number]) marks[at] = 1
    return marks
  }

  #column(name: string, toValue: (host: PlacementHost) => string | undefined): LabelColumn {
    return this.keep(name, () => {
      const ids = new Int32Array(this.size)
      const seen = new Map<string | undefined, number>()
      for (let at = 0; at < this.size; at++) {
        const value = toValue(this.host(at))
        const id = seen.get(value) ?? seen.size
        seen.set(value, id)
        ids[at] = id
      }
      return { ids, values: [...seen.keys()] }
    })
  }
}

function isSorted(hosts: readonly PlacementHost[]): boolean {
  for (let at = 1; at < hosts.length; at++)
    if ((hosts[at - 1] as PlacementHost).id > (hosts[at] as PlacementHost).id) return false
  return true
}
