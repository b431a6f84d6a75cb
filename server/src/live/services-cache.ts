import type { HostScope } from '../access/index.ts'
import {
  runInSlices,
  type ServicesDifference,
  type ServicesRepository,
  WatchedServices,
} from '../services/index.ts'

/** From one read of everything, which finds what no notification named, to the next; and at least, when much is named. */
const FULL_READ_INTERVAL_MS = 15_000
const MIN_FULL_READ_PAUSE_MS = 2000
/** Ids that are read at once; where more have changed, everything is read. */
const MAX_CHANGED = 1000

/** All services, or one, as they were last read for viewers of one scope. */
export class ServicesCache {
  private readonly watched: WatchedServices
  private changedServices = new Set<string>()
  private changedInstances = new Set<string>()
  private isFullReadWanted = true
  private lastFullReadMs = Number.NEGATIVE_INFINITY

  constructor(
    private readonly services: ServicesRepository,
    private readonly scope: HostScope,
    scopeText: readonly string[] | null,
    private readonly serviceId: string | undefined,
  ) {
    this.watched = new WatchedServices(scopeText, serviceId !== undefined)
  }

  /** Tells whether the labels of hosts decide what is seen. */
  get isLimited(): boolean {
    return this.scope !== null
  }

  /** Has what a notification names read again: `service ID…`, `instance ID…`, or `*` for all. */
  invalidate(notice: string): void {
    const [kind, ...ids] = notice.split(' ')
    if (kind === 'service') for (const id of ids) this.changedServices.add(id)
    else if (kind === 'instance') for (const id of ids) this.changedInstances.add(id)
    else this.invalidateAll()
    if (this.changedServices.size + this.changedInstances.size > MAX_CHANGED) this.invalidateAll()
  }

  invalidateAll(): void {
    this.isFullReadWanted = true
    this.changedServices.clear()
    this.changedInstances.clear()
  }

  snapshot(): ServicesDifference {
    return this.watched.snapshot()
  }

  /** Reads what may have changed, and returns what has. */
  async read(nowMs: number): Promise<ServicesDifference> {
    try {
      return await this.readDue(nowMs)
    } catch (error) {
      // The ids to read are lost.
      this.invalidateAll()
      throw error
    }
  }

  private async readDue(nowMs: number): Promise<ServicesDifference> {
    const pauseMs = this.isFullReadWanted ? MIN_FULL_READ_PAUSE_MS : FULL_READ_INTERVAL_MS
    const serviceIds = this.changedServices
    const instanceIds = this.changedInstances
    this.changedServices = new Set()
    this.changedInstances = new Set()
    if (nowMs - this.lastFullReadMs >= pauseMs) {
      this.isFullReadWanted = false
      this.lastFullReadMs = nowMs
      const services = await this.readServices()
      return runInSlices(this.watched.take(await this.withInstances(services)))
    }
    return this.readChanged(serviceIds, instanceIds)
  }

  private readServices() {
    return this.serviceId === undefined
      ? this.services.list(null, null)
      : this.services.listByIds([this.serviceId])
  }

  private async readChanged(
    changed: ReadonlySet<string>,
    instanceIds: ReadonlySet<string>,
  ): Promise<ServicesDifference> {
    const { serviceId } = this
    const instances =
      instanceIds.size === 0
        ? []
        : await this.services.instancesByIds([...instanceIds], serviceId ?? null, this.scope)
    const strange = instances.flatMap((one) => (this.watched.has(one.serviceId) ? [] : [one.serviceId]))
    const isOwn = (id: string) => serviceId === undefined || id === serviceId
    const serviceIds = new Set([...changed, ...strange].filter(isOwn))
    const services = serviceIds.size === 0 ? [] : await this.services.listByIds([...serviceIds])
    const whole = await this.withInstances(services)
    const read = {
      services,
      instances: [...instances.filter((one) => !serviceIds.has(one.serviceId)), ...whole.instances],
    }
    return runInSlices(this.watched.take(read, { serviceIds, instanceIds }))
  }

  private async withInstances(services: Awaited<ReturnType<ServicesRepository['list']>>) {
    const ids = services.map(({ id }) => id)
    return { services, instances: ids.length === 0 ? [] : await this.services.instances(ids, this.scope) }
  }
}
