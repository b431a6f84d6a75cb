import { Injectable } from '@nestjs/common'
import { scopeFrom } from '../access/index.ts'
import { Clock } from '../platform/clock/clock.ts'
import { ConcurrentUpdateError } from '../platform/leases/concurrent-update-error.ts'
import type { Sql } from '../platform/prisma/transaction.ts'
import { ApplyRepository } from './apply.repository.ts'
import type { ServiceRecord } from './domain/instance.ts'
import { toInstanceChanges } from './domain/plan/instance-changes.ts'
import { planServices } from './domain/plan/plan-services.ts'
import type { PlannedService } from './domain/plan/planned.ts'
import { toSlotReason, toUnplaced } from './domain/plan/unplaced.ts'
import { FleetView } from './fleet-view.ts'
import { runInSlices } from './in-slices.ts'
import { ServicesRepository } from './services.repository.ts'
import { ServicesLock } from './services-lock.repository.ts'
import { UnplacedSlotsRepository } from './unplaced-slots.repository.ts'

/** Places slots that no host fitted when they were applied. What has a host stays where it is. */
@Injectable()
export class SlotPlacer {
  constructor(
    private readonly lock: ServicesLock,
    private readonly services: ServicesRepository,
    private readonly fleet: FleetView,
    private readonly rows: ApplyRepository,
    private readonly unplaced: UnplacedSlotsRepository,
    private readonly clock: Clock,
  ) {}

  /** Places the slots of a service that have no host. Returns how many now have one. Throws `ConcurrentUpdateError` where a port was taken meanwhile. */
  place(serviceId: string): Promise<number> {
    return this.lock.alone(async (sql) => {
      const service = await this.services.findById(serviceId)
      if (service === null || service.wanted !== 'running' || service.haltedAt !== null) return 0
      const now = this.clock.now()
      const planned = await this.plan(service, now, sql)
      return planned ? this.write(service, planned, now, sql) : 0
    })
  }

  /** Plans what was applied last once more, with the hosts that there are now. */
  private async plan(
    { id, project, scope }: ServiceRecord,
    now: Date,
    sql: Sql,
  ): Promise<PlannedService | null> {
    const stored = (await this.services.project(project, sql)).find((service) => service.id === id)
    if (!stored) return null
    const { services } = await runInSlices(
      planServices({
        project,
        wanted: [stored.revision],
        stored: [stored],
        volumes: await this.services.volumes(project, sql),
        fleet: await this.fleet.read(scopeFrom(scope), stored.revision.images, now, sql),
        isPruning: false,
        removedVolumes: [],
        now,
      }),
    )
    return services[0] ?? null
  }

  private async write(
    { id, project, revisionId }: ServiceRecord,
    planned: PlannedService,
    at: Date,
    sql: Sql,
  ): Promise<number> {
    const { placed, left } = toUnplaced(planned)
    const departing = await this.rows.departing(sql, id)
    const changes = toInstanceChanges({ slots: placed, leaving: [] }, departing, () => '', toSlotReason)
    await this.rows.writeInstances(sql, id, revisionId, changes, at)
    if (!(await this.rows.writePorts(sql, id, placed))) throw new ConcurrentUpdateError()
    await this.rows.writeVolumes(sql, { ...planned, slots: placed }, { project, at })
    const reasons = left.map((slot) => ({ id: slot.instance.id, reason: toSlotReason(slot) }))
    const changed = new Set(await this.unplaced.writeReasons(sql, reasons))
    const changedSlots = left.filter(({ instance }) => changed.has(instance.id))
    await this.rows.writePlacements(sql, id, [...placed, ...changedSlots], at)
    return placed.length
  }
}
