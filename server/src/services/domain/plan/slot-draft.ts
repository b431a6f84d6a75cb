import type { Placement } from '../placement/place.ts'
import type { PlacementRequest, VolumeNeed } from '../placement/view.ts'
import {
  needsOf,
  type PlacedInstance,
  type ResolvedService,
  type SlotVolume,
  type StoredService,
  toServiceName,
} from '../service.ts'
import { diffServices } from './diff-fields.ts'
import { toOrderDigest, toRevisionDigest } from './digest.ts'
import type { DraftFleet } from './draft-fleet.ts'
import { keepSlot, toInstancePorts } from './keep-slot.ts'
import type { PlanView } from './plan-view.ts'
import type { PlannedService, PlannedSlot } from './planned.ts'
import { toRequest } from './request.ts'

/** The slots of one service: those that stay are decided at once, the others by placement. */
export class SlotDraft {
  readonly #wanted: ResolvedService
  readonly #stored: StoredService | null
  readonly #view: PlanView
  readonly #fleet: DraftFleet
  readonly #orderDigest: string
  /** The needs that all slots share. */
  readonly #request: PlacementRequest
  readonly #volumes: ReadonlyMap<number, SlotVolume[]>
  readonly #kept: PlannedSlot[] = []
  /** How many of the kept instances are on a host, by its id. */
  readonly #keptOn = new Map<string, number>()
  /** Slots to place, each with the instance that counts for it now. */
  readonly #open = new Map<number, PlacedInstance | null>()
  readonly #leaving: PlacedInstance[] = []
  /** By the id of the revision. */
  readonly #orderDigests = new Map<string, string>()

  constructor(wanted: ResolvedService, stored: StoredService | null, view: PlanView, fleet: DraftFleet) {
    this.#wanted = wanted
    this.#stored = stored
    this.#view = view
    this.#fleet = fleet
    this.#orderDigest = toOrderDigest(wanted)
    this.#request = toRequest(wanted)
    const own = view.volumes.filter(({ service }) => service === wanted.definition.group.name)
    this.#volumes = Map.groupBy(own, ({ slot }) => slot)
  }

  /** Decides about the instances that there are, and opens the slots that have none. */
  *decide(): Generator<void> {
    // A service that is being removed starts anew: its instances are on their way out.
    const instances = this.#stored?.wanted === 'gone' ? [] : (this.#stored?.instances ?? [])
    for (const instance of instances.toSorted(bySlot)) {
      yield
      this.#decideOne(instance)
    }
    this.#openNewSlots()
  }

  get #group() {
    return this.#wanted.definition.group
  }

  get #name() {
    return toServiceName(this.#view.project, this.#group.name)
  }

  /** Decides whether an instance stays as it is, gets a new order where it is, or needs another host. */
  #decideOne(instance: PlacedInstance): void {
    const { slot, host } = instance
    const { replicas } = this.#group
    if (replicas !== null && slot > replicas) return void this.#leaving.push(instance)
    // Of one that no host fits there is nothing to keep.
    if (host === null) return void this.#open.set(slot, instance)
    const needsOrder =
      instance.state === 'failed' ||
      instance.wanted !== 'running' ||
      this.#orderDigestOf(instance) !== this.#orderDigest
    if (!needsOrder && !this.#isPlaceChanged(instance)) {
      this.#keep({ slot, instance, host, move: 'keep', ports: instance.ports, explanation: null })
      return
    }
    const kept = this.#stay(instance, host.id)
    if (kept === null && replicas === null) this.#leaving.push(instance)
    else if (kept === null) this.#open.set(slot, instance)
    else if (needsOrder) this.#keep({ slot, instance, host, move: 'replace', ...kept })
    else this.#keep({ slot, instance, host, move: 'keep', ports: instance.ports, explanation: null })
  }

  #orderDigestOf({ revision }: PlacedInstance): string {
    const digest = this.#orderDigests.get(revision.id) ?? toOrderDigest(revision)
    this.#orderDigests.set(revision.id, digest)
    return digest
  }

  /** A host that is gone from the view, because of the labels of the caller or for good, fits nothing. */
  #stay(instance: PlacedInstance, hostId: string) {
    const host = this.#fleet.find(hostId)
    const others = Array<string>(this.#keptOn.get(hostId) ?? 0).fill(hostId)
    const request = { ...this.#request, volumes: this.#volumesOf(instance.slot), instances: others }
    const before = needsOf(instance.revision.definition.group)
    return host ? keepSlot(instance, host, this.#wanted, request, before, this.#view.now) : null
  }

  #isPlaceChanged({ revision }: PlacedInstance): boolean {
    const { place, replicas } = revision.definition.group
    const now = this.#group
    return JSON.stringify([place, replicas === null]) !== JSON.stringify([now.place, now.replicas === null])
  }

  #keep(slot: PlannedSlot): void {
    this.#kept.push(slot)
    const { instance, host, move, ports } = slot
    if (host) this.#keptOn.set(host.id, (this.#keptOn.get(host.id) ?? 0) + 1)
    if (instance === null || host === null || move === 'keep') return
    const before = needsOf(instance.revision.definition.group)
    const after = needsOf(this.#group)
    const extra = {
      milliCpus: after.milliCpus - before.milliCpus,
      memoryBytes: after.memoryBytes - before.memoryBytes,
    }
    this.#fleet.take(host.id, extra, ports, `${this.#name}.${slot.slot}`)
  }

  #openNewSlots(): void {
    const { replicas } = this.#group
    const taken = new Set([...this.#kept.map(({ slot }) => slot), ...this.#open.keys()])
    // On every host that fits: a slot for each host, of which those that get none are dropped. One stays to tell why none fits.
    const wanted = replicas ?? Math.max(1, this.#view.fleet.length)
    for (let slot = 1; this.#kept.length + this.#open.size < wanted; slot++)
      if (!taken.has(slot)) this.#open.set(slot, null)
  }

  /** Says where the data of a slot is. */
  #volumesOf(slot: number): readonly VolumeNeed[] {
    const own = this.#volumes.get(slot)
    if (!own) return this.#request.volumes
    return this.#request.volumes.map((need) => ({
      ...need,
      hosts: own.filter(({ name }) => name === need.name).map(({ hostId }) => hostId),
    }))
  }

  /** Lists what to place: slots that need the same are one request. */
  requests(): PlacementRequest[] {
    const hosts = (this.#stored?.instances ?? []).flatMap(({ host }) => host?.id ?? [])
    const shared = {
      instances: this.#kept.flatMap(({ host }) => host?.id ?? []),
      ranOn: [...new Set(hosts)],
    }
    const alike = new Map<string, { slots: number[]; volumes: readonly VolumeNeed[] }>()
    for (const slot of [...this.#open.keys()].sort((one, other) => one - other)) {
      const volumes = this.#volumesOf(slot)
      const key = this.#volumes.has(slot) ? JSON.stringify(volumes.map(({ hosts }) => hosts)) : ''
      const same = alike.get(key) ?? { slots: [], volumes }
      same.slots.push(slot)
      alike.set(key, same)
    }
    return [...alike.values()].map((own) => ({ ...this.#request, ...shared, ...own }))
  }

  /** Takes over what placement has decided, by the name of the service. */
  finish(placements: ReadonlyMap<string, readonly Placement[]>): PlannedService {
    const placed = (placements.get(this.#name) ?? []).map((placement) => this.#toSlot(placement))
    const counted = this.#group.replicas === null ? this.#dropUnplaced(placed) : placed
    const slots = [...this.#kept, ...counted].sort(bySlot)
    return {
      name: this.#group.name,
      action: this.#toAction(slots),
      wanted: this.#wanted,
      stored: this.#stored,
      changes: diffServices(this.#stored?.revision ?? null, this.#wanted),
      slots,
      leaving: this.#leaving,
      removedVolumes: [],
      keptVolumes: [],
    }
  }

  /** Drops the slots of a service on every host that no host is left for; the first of them stays where it is the only one. */
  #dropUnplaced(placed: readonly PlannedSlot[]): PlannedSlot[] {
    const [first, ...others] = placed.toSorted(bySlot)
    const isLonely =
      first !== undefined && this.#kept.length === 0 && placed.every(({ host }) => host === null)
    const dropped = new Set((isLonely ? others : placed).filter(({ host }) => host === null))
    for (const { instance } of dropped) if (instance) this.#leaving.push(instance)
    return placed.filter((slot) => !dropped.has(slot))
  }

  #toSlot({ slot, host: hostId, ports, explanation }: Placement): PlannedSlot {
    const instance = this.#open.get(slot) ?? null
    const host = hostId === null ? undefined : this.#fleet.find(hostId)
    const isSomewhere = instance !== null && instance.host !== null
    if (isSomewhere && !host)
      return { slot, instance, host: instance.host, move: 'stay', ports: instance.ports, explanation }
    return {
      slot,
      instance,
      host: host ? { id: host.id, name: host.name } : null,
      move: isSomewhere ? 'move' : 'create',
      ports: toInstancePorts(this.#wanted, ports),
      explanation,
    }
  }

  #toAction(slots: readonly PlannedSlot[]): PlannedService['action'] {
    const stored = this.#stored
    if (stored === null || stored.wanted === 'gone') return 'new'
    const isSame = stored.revision.digest === toRevisionDigest(this.#wanted) && stored.wanted === 'running'
    const isQuiet = this.#leaving.length === 0 && slots.every(isUntouched)
    return isSame && isQuiet && !stored.isHalted ? 'unchanged' : 'changed'
  }
}

const bySlot = (one: { slot: number }, other: { slot: number }) => one.slot - other.slot

/** Nothing happens to it, or no host fitted before and none fits now. */
const isUntouched = ({ move, instance, host }: PlannedSlot): boolean =>
  move === 'keep' || move === 'stay' || (instance !== null && instance.host === null && host === null)
