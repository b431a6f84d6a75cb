import type {
  InstanceView,
  LiveEvent,
  ServiceListed,
  ServiceView,
  WatchedMark,
} from '@rollcall/contracts/admin'

export type ServicesEvent = LiveEvent & { type: 'services' }
type Item = WatchedMark | InstanceView

interface Held {
  services: Map<string, ServiceView>
  /** Instances by service and id. */
  items: Map<string, Map<string, Item>>
}

/** Holds services as the server pushes them: everything in parts, and then what changes. */
export class ServicesMirror {
  #held: Held = empty()
  #building: Held | undefined
  /** Keeps the same object for a service that has not changed: who draws it need not draw it again. */
  readonly #listed = new Map<string, ServiceListed>()

  /** Forgets half of a snapshot, as the next connection begins anew. */
  restart(): void {
    this.#building = undefined
  }

  /** Takes an event. Returns whether what is held is another now: the parts of a snapshot count once all are there. */
  take(event: ServicesEvent): boolean {
    if (!event.isSnapshot) {
      for (const id of merge(this.#held, event)) this.#listed.delete(id)
      return true
    }
    this.#building ??= empty()
    merge(this.#building, event)
    if (!event.isComplete) return false
    this.#held = this.#building
    this.#building = undefined
    this.#listed.clear()
    return true
  }

  /** Returns all services by project and name, each with its instances by slot. */
  list(): ServiceListed[] {
    return [...this.#held.services.values()]
      .map((service) => this.#withInstances(service))
      .toSorted((a, b) => compare(a.project, b.project) || compare(a.name, b.name))
  }

  /** Returns one service with its whole instances by slot; undefined if it is not there. */
  find(serviceId: string): { service: ServiceView; instances: InstanceView[] } | undefined {
    const service = this.#held.services.get(serviceId)
    return service && { service, instances: bySlot(this.#held.items.get(serviceId)) as InstanceView[] }
  }

  #withInstances(service: ServiceView): ServiceListed {
    const listed = this.#listed.get(service.id) ?? {
      ...service,
      instances: bySlot(this.#held.items.get(service.id)),
    }
    this.#listed.set(service.id, listed)
    return listed
  }
}

const empty = (): Held => ({ services: new Map(), items: new Map() })

const compare = (one: string, other: string) => (one < other ? -1 : Number(one > other))

const bySlot = (items: ReadonlyMap<string, Item> = new Map<string, Item>()): Item[] =>
  [...items.values()].sort((a, b) => a.slot - b.slot)

/** Merges an event into what is held. Returns the ids of services of which anything is new. Instances may come before their service. */
function merge({ services, items }: Held, event: ServicesEvent): Set<string> {
  const touched = new Set<string>()
  for (const service of event.services) {
    services.set(service.id, service)
    touched.add(service.id)
  }
  for (const item of [...event.marks, ...event.instances]) {
    const own = items.get(item.serviceId) ?? new Map<string, Item>()
    items.set(item.serviceId, own.set(item.id, item))
    touched.add(item.serviceId)
  }
  for (const id of event.removedInstances)
    for (const [serviceId, own] of items) if (own.delete(id)) touched.add(serviceId)
  for (const id of event.removedServices) {
    services.delete(id)
    items.delete(id)
    touched.add(id)
  }
  return touched
}
