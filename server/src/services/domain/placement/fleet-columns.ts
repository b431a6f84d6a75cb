import { type LabelTerm, matchesLabels, toTermText } from '@rollcall/contracts/admin'
import { hashText } from './hash.ts'
import { runToEnd } from './run-to-end.ts'
import { markValues, type ValueColumn, ValueColumnBuilder } from './value-column.ts'
import {
  isChosenPort,
  type PlacementHost,
  type PlacementRequest,
  type PortNumber,
  type Resources,
  toPortKey,
} from './view.ts'

/** How many hosts are read between two yields: two milliseconds of code that has not run before, a tenth of that later. */
const HOSTS_PER_STEP = 250

/** Up to so many digests, each is looked for among a host's images; of more, each of a host's images among the digests. */
const MAX_SCANNED_DIGESTS = 4
const UNKNOWN = -1

/** Keys by which constraints mean the host itself, as Compose has them. */
const HOST_ATTRIBUTES: ReadonlyMap<string, (host: PlacementHost) => string | undefined> = new Map([
  ['node.hostname', (host: PlacementHost) => host.name],
  ['node.platform.arch', (host: PlacementHost) => host.architecture ?? undefined],
])

/** The values of one label; undefined is the value of hosts without it. */
export type LabelColumn = ValueColumn<string | undefined>

/**
 * A fleet by columns: hosts are numbers here, in the order of their ids, and what is asked of all of them is computed
 * once and kept. It never changes; what a run takes is in `Plan`.
 */
export class FleetColumns {
  readonly hosts: readonly PlacementHost[]
  readonly size: number
  readonly total: Readonly<Record<keyof Resources, Float64Array>>
  /** The larger of what is measured and what is reserved. */
  readonly used: Readonly<Record<keyof Resources, Float64Array>>
  readonly freeDiskBytes: Float64Array
  /** How many instances each host has, of all services. */
  readonly instances: Uint16Array
  /** How many uses of ports each host lists. */
  readonly portUses: Uint32Array
  /** 1 for each host that is online, and that is not drained. */
  readonly online: Uint8Array
  readonly open: Uint8Array
  readonly protocols: ValueColumn<PlacementHost['protocol']>
  readonly architectures: ValueColumn<PlacementHost['architecture']>
  readonly engines: ValueColumn<PlacementHost['engine']>
  /** The hosts that settle or did, and those that fell silent lately. */
  readonly settling: number[] = []
  readonly silenced: number[] = []
  readonly #hashes: Float64Array
  readonly #imageHosts = new Map<string, number[]>()
  readonly #portHolders = new Map<number, Map<number, string>>()
  readonly #kept = new Map<string, unknown>()

  private constructor(hosts: readonly PlacementHost[], requests: readonly PlacementRequest[]) {
    const size = hosts.length
    this.hosts = hosts
    this.size = size
    this.#hashes = new Float64Array(size).fill(UNKNOWN)
    this.total = { milliCpus: new Float64Array(size), memoryBytes: new Float64Array(size) }
    this.used = { milliCpus: new Float64Array(size), memoryBytes: new Float64Array(size) }
    this.freeDiskBytes = new Float64Array(size)
    this.instances = new Uint16Array(size)
    this.portUses = new Uint32Array(size)
    this.online = new Uint8Array(size)
    this.open = new Uint8Array(size)
    this.protocols = new ValueColumnBuilder(size)
    this.architectures = new ValueColumnBuilder(size)
    this.engines = new ValueColumnBuilder(size)
    for (const { images, ports } of requests) {
      for (const { digest } of images) this.#imageHosts.set(digest, [])
      for (const { protocol, port } of ports)
        if (port !== null) this.#portHolders.set(toPortKey({ protocol, port }), new Map())
    }
  }

  /** Reads a fleet, and where the images and fixed ports of these requests are. Yields between short steps. */
  static *read(
    fleet: readonly PlacementHost[],
    requests: readonly PlacementRequest[],
  ): Generator<void, FleetColumns> {
    const columns = new FleetColumns(fleet, requests)
    if (yield* columns.#readAll()) return columns
    const sorted = new FleetColumns(
      fleet.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
      requests,
    )
    yield* sorted.#readAll()
    return sorted
  }

  /** Reads all hosts. Returns false at the first that is not in order. */
  *#readAll(): Generator<void, boolean> {
    const protocols = this.protocols as ValueColumnBuilder<PlacementHost['protocol']>
    const architectures = this.architectures as ValueColumnBuilder<PlacementHost['architecture']>
    const engines = this.engines as ValueColumnBuilder<PlacementHost['engine']>
    let before = ''
    for (let at = 0; at < this.size; at++) {
      if (at % HOSTS_PER_STEP === 0) yield
      const host = this.host(at)
      if (host.id < before) return false
      before = host.id
      protocols.set(at, host.protocol)
      architectures.set(at, host.architecture)
      engines.set(at, host.engine)
      this.#read(at, host)
    }
    return true
  }

  /** Reads what every run needs, all of a host at once: its objects are far apart in memory. */
  #read(at: number, host: PlacementHost): void {
    const { capacity, reserved, measured, images, ports } = host
    this.total.milliCpus[at] = capacity.milliCpus
    this.total.memoryBytes[at] = capacity.memoryBytes
    this.used.milliCpus[at] = Math.max(measured.milliCpus, reserved.milliCpus)
    this.used.memoryBytes[at] = Math.max(measured.memoryBytes, reserved.memoryBytes)
    this.freeDiskBytes[at] = host.freeDiskBytes
    this.instances[at] = host.instances
    this.portUses[at] = ports.length
    if (host.state === 'online' || host.isBusy) this.online[at] = 1
    if (!host.isDrained) this.open[at] = 1
    if (host.settlesAt !== null) this.settling.push(at)
    if (host.silences.length > 0) this.silenced.push(at)
    if (images.length > 0) this.#readImages(at, images)
    if (this.#portHolders.size > 0)
      for (const used of ports) this.#portHolders.get(toPortKey(used))?.set(at, used.holder)
  }

  #readImages(at: number, images: readonly string[]): void {
    if (this.#imageHosts.size <= MAX_SCANNED_DIGESTS) {
      for (const [digest, hosts] of this.#imageHosts) if (images.includes(digest)) hosts.push(at)
      return
    }
    for (const digest of images) {
      const hosts = this.#imageHosts.get(digest)
      // A host that lists an image twice has it once.
      if (hosts && hosts.at(-1) !== at) hosts.push(at)
    }
  }

  host(at: number): PlacementHost {
    const host = this.hosts[at]
    if (!host) throw new RangeError(`there is no host ${at} among ${this.size}`)
    return host
  }

  /** Returns the hash of a host's id. */
  hash(at: number): number {
    let hash = this.#hashes[at] as number
    if (hash === UNKNOWN) {
      hash = hashText(this.host(at).id)
      this.#hashes[at] = hash
    }
    return hash
  }

  /** Returns the number of a host by its id; undefined for one that is not in the fleet. */
  find(id: string): number | undefined {
    return this.keep('positions', () => new Map(this.hosts.map(({ id }, at) => [id, at]))).get(id)
  }

  /** Returns what is kept under `key`, and makes it first if it is not there. */
  keep<T>(key: string, make: () => T): T {
    let kept = this.#kept.get(key)
    if (kept === undefined) {
      kept = make()
      this.#kept.set(key, kept)
    }
    return kept as T
  }

  /** As `keep`, and makes it in steps. */
  *keepSteps<T>(key: string, make: () => Generator<void, T>): Generator<void, T> {
    const kept = this.#kept.get(key)
    if (kept !== undefined) return kept as T
    const made = yield* make()
    this.#kept.set(key, made)
    return made
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

  /** Counts the ports to choose from that a host uses, each once: several programs may have it on addresses of their own. */
  countChosenPorts(protocol: PortNumber['protocol'], at: number): number {
    const own = this.host(at).ports.filter((each) => each.protocol === protocol && isChosenPort(each.port))
    return new Set(own.map(({ port }) => port)).size
  }

  label(key: string): LabelColumn {
    return runToEnd(this.readLabel(key))
  }

  /** Reads a label of all hosts, unless it is kept. Yields between short steps. */
  readLabel(key: string): Generator<void, LabelColumn> {
    return this.keepSteps(`label ${key}`, () =>
      this.#readColumn(({ labels }) => {
        const value: unknown = labels[key]
        // What objects inherit, such as `constructor`, is no text.
        return typeof value === 'string' ? value : undefined
      }),
    )
  }

  /** Reads what a constraint asks for of all hosts, unless it is kept. Yields between short steps. */
  readConstraint({ key }: LabelTerm): Generator<void, LabelColumn> {
    const toValue = HOST_ATTRIBUTES.get(key)
    if (!toValue) return this.readLabel(key)
    return this.keepSteps(`attribute ${key}`, () => this.#readColumn(toValue))
  }

  /** Returns 1 for each host whose labels match a term. */
  matches(term: LabelTerm): Uint8Array {
    return this.keep(`term ${toTermText(term)}`, () => toMarks(this.label(term.key), term))
  }

  /** Returns 1 for each host that keeps a constraint. */
  meets(term: LabelTerm): Uint8Array {
    return this.keep(`constraint ${toTermText(term)}`, () =>
      toMarks(runToEnd(this.readConstraint(term)), term),
    )
  }

  *#readColumn(toValue: (host: PlacementHost) => string | undefined): Generator<void, LabelColumn> {
    const column = new ValueColumnBuilder<string | undefined>(this.size)
    for (let at = 0; at < this.size; at++) {
      if (at % HOSTS_PER_STEP === 0) yield
      column.set(at, toValue(this.host(at)))
    }
    return column
  }
}

const toMarks = (column: LabelColumn, term: LabelTerm): Uint8Array =>
  markValues(column, (value) => matchesLabels([term], value === undefined ? {} : { [term.key]: value }))
