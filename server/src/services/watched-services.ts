import type { InstanceView, ServiceView, WatchedMark } from '@rollcall/contracts/admin'
import type { InstanceRecord, ServiceRecord } from './domain/instance.ts'
import { toVisible } from './domain/visible-service.ts'
import { toInstanceMark, toInstanceView, toServiceView } from './service.view.ts'

/** Instances that are compared before others have their turn. */
const SLICE_INSTANCES = 200

/** News for those who watch services: each service and instance whole, and the ids of those that are gone for them. */
export interface ServicesDifference {
  services: ServiceView[]
  /** Instances of all services. */
  marks: WatchedMark[]
  /** Instances of the one service. */
  instances: InstanceView[]
  removedServices: string[]
  removedInstances: string[]
}

/** Services, each with all of its instances, and single instances, as they were read. */
export interface ServicesReading {
  services: readonly ServiceRecord[]
  instances: readonly InstanceRecord[]
}

/** The ids that were asked for: services with all of their instances, and single instances. */
export interface AskedServices {
  serviceIds: ReadonlySet<string>
  instanceIds: ReadonlySet<string>
}

interface Shown<T> {
  value: T
  text: string
}

interface Known {
  service: ServiceRecord
  instances: Map<string, InstanceRecord>
  /** As viewers were told; undefined while it does not exist for them. */
  shown:
    | { service: Shown<ServiceView>; instances: Map<string, Shown<WatchedMark | InstanceView>> }
    | undefined
}

/** Services as they were last read, and as viewers with one scope were told of them. */
export class WatchedServices {
  private readonly known = new Map<string, Known>()
  private readonly serviceOf = new Map<string, string>()

  /** Instances are whole with `isWhole`, and marks otherwise. */
  constructor(
    private readonly scopeText: readonly string[] | null,
    private readonly isWhole: boolean,
  ) {}

  /** Tells whether single instances of a service can be taken without the rest of it. */
  has(serviceId: string): boolean {
    return this.known.has(serviceId)
  }

  /** Returns everything that viewers were told. */
  snapshot(): ServicesDifference {
    const difference = noDifference()
    for (const { shown } of this.known.values()) {
      if (!shown) continue
      difference.services.push(shown.service.value)
      for (const { value } of shown.instances.values()) this.add(difference, value)
    }
    return difference
  }

  /** Takes a reading of everything, without `asked`, or of what was asked for. Returns what is new for viewers. */
  *take(read: ServicesReading, asked?: AskedServices): Generator<void, ServicesDifference> {
    const difference = noDifference()
    const byService = Map.groupBy(read.instances, ({ serviceId }) => serviceId)
    const found = new Map(read.services.map((service) => [service.id, service]))
    for (const id of asked?.serviceIds ?? new Set([...this.known.keys(), ...found.keys()])) {
      const service = found.get(id)
      if (service) yield* this.takeWhole(service, byService.get(id) ?? [], difference)
      else this.drop(id, difference)
    }
    if (asked) yield* this.takeInstances(read.instances, asked, difference)
    return difference
  }

  private *takeWhole(
    service: ServiceRecord,
    instances: readonly InstanceRecord[],
    difference: ServicesDifference,
  ): Generator<void> {
    const before = this.known.get(service.id)
    const known: Known = { service, instances: new Map(), shown: before?.shown }
    this.known.set(service.id, known)
    for (const id of before?.instances.keys() ?? []) this.serviceOf.delete(id)
    for (const instance of instances) this.keep(known, instance)
    const ids = new Set([...(before?.shown?.instances.keys() ?? []), ...known.instances.keys()])
    yield* this.compare(known, ids, difference)
  }

  private *takeInstances(
    read: readonly InstanceRecord[],
    { serviceIds, instanceIds }: AskedServices,
    difference: ServicesDifference,
  ): Generator<void> {
    const found = new Map(read.map((instance) => [instance.id, instance]))
    const changed = new Map<string, Set<string>>()
    for (const id of instanceIds) {
      const instance = found.get(id)
      const serviceId = instance?.serviceId ?? this.serviceOf.get(id)
      const known = serviceId === undefined ? undefined : this.known.get(serviceId)
      if (serviceId === undefined || !known || serviceIds.has(serviceId)) continue
      if (instance) this.keep(known, instance)
      else this.forget(known, id)
      changed.set(serviceId, (changed.get(serviceId) ?? new Set()).add(id))
    }
    for (const [serviceId, ids] of changed) {
      const known = this.known.get(serviceId)
      if (known) yield* this.compare(known, ids, difference)
    }
  }

  private keep({ instances }: Known, instance: InstanceRecord): void {
    // A mark has none of these, and they are most of what an instance weighs.
    if (!this.isWhole) Object.assign(instance, { ports: [], containers: [], checks: [] })
    instances.set(instance.id, instance)
    this.serviceOf.set(instance.id, instance.serviceId)
  }

  private forget({ instances }: Known, id: string): void {
    instances.delete(id)
    this.serviceOf.delete(id)
  }

  private drop(id: string, difference: ServicesDifference): void {
    const known = this.known.get(id)
    if (!known) return
    for (const instanceId of known.instances.keys()) this.serviceOf.delete(instanceId)
    this.known.delete(id)
    if (known.shown) difference.removedServices.push(id)
  }

  /** Compares a service, and its instances with these ids, with what viewers were told. */
  private *compare(known: Known, ids: ReadonlySet<string>, difference: ServicesDifference): Generator<void> {
    const visible = toVisible(known.service, [...known.instances.values()], this.scopeText)
    if (!visible) {
      if (known.shown) difference.removedServices.push(known.service.id)
      known.shown = undefined
      return
    }
    const service = shownOf(toServiceView(visible.service, visible.instances))
    const isNew = known.shown === undefined
    if (service.text !== known.shown?.service.text) difference.services.push(service.value)
    const shown = known.shown?.instances ?? new Map<string, Shown<WatchedMark | InstanceView>>()
    known.shown = { service, instances: shown }
    const seen = new Map(visible.instances.map((instance) => [instance.id, instance]))
    let count = 0
    for (const id of isNew ? seen.keys() : ids) {
      this.compareInstance(id, seen.get(id), visible.service, shown, difference)
      if (++count % SLICE_INSTANCES === 0) yield
    }
    yield
  }

  private compareInstance(
    id: string,
    instance: InstanceRecord | undefined,
    service: ServiceRecord,
    shown: Map<string, Shown<WatchedMark | InstanceView>>,
    difference: ServicesDifference,
  ): void {
    if (!instance) {
      if (shown.delete(id)) difference.removedInstances.push(id)
      return
    }
    const next = shownOf(
      this.isWhole
        ? toInstanceView(instance, service)
        : Object.assign(toInstanceMark(instance), { serviceId: service.id }),
    )
    if (shown.get(id)?.text === next.text) return
    shown.set(id, next)
    this.add(difference, next.value)
  }

  private add({ instances, marks }: ServicesDifference, value: WatchedMark | InstanceView): void {
    if (this.isWhole) instances.push(value as InstanceView)
    else marks.push(value as WatchedMark)
  }
}

const noDifference = (): ServicesDifference => ({
  services: [],
  marks: [],
  instances: [],
  removedServices: [],
  removedInstances: [],
})

const shownOf = <T>(value: T): Shown<T> => ({ value, text: JSON.stringify(value) })
