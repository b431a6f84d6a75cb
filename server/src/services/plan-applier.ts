import { randomBytes, randomUUID } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import type { ServicePlanApplied } from '@rollcall/contracts/admin'
import { scopeFrom } from '../access/index.ts'
import { Clock } from '../platform/clock/clock.ts'
import type { Sql } from '../platform/prisma/transaction.ts'
import { ApplyRepository } from './apply.repository.ts'
import type { Application } from './domain/plan/application.ts'
import { toRevisionDigest } from './domain/plan/digest.ts'
import { toInstanceChanges } from './domain/plan/instance-changes.ts'
import { toPlanDigest } from './domain/plan/plan-digest.ts'
import type { SparesByService } from './domain/plan/plan-spares.ts'
import type { PlannedService, ServicesPlan } from './domain/plan/planned.ts'
import { toSlotReason } from './domain/plan/unplaced.ts'
import type { PlanRecord } from './domain/plan-record.ts'
import type { ResolvedService } from './domain/service.ts'
import { runInSlices } from './in-slices.ts'
import { type PlanActor, refusePlaybooks } from './plan-actor.ts'
import { PlanMaker } from './plan-maker.ts'
import { PlansRepository } from './plans.repository.ts'
import { RevisionsRepository } from './revisions.repository.ts'
import { ServicesLock } from './services-lock.repository.ts'
import { SparesRepository } from './spares.repository.ts'

/** An application, with the hosts that keep images of each service. */
type SparingApplication = Application & { spares: SparesByService }

type Applied = ServicePlanApplied['services'][number]

const ID_BYTES = 4

/** Applies plans: all that one decides is stored in one transaction, or nothing is. */
@Injectable()
export class PlanApplier {
  constructor(
    private readonly lock: ServicesLock,
    private readonly plans: PlansRepository,
    private readonly maker: PlanMaker,
    private readonly rows: ApplyRepository,
    private readonly revisions: RevisionsRepository,
    private readonly spares: SparesRepository,
    private readonly clock: Clock,
  ) {}

  /** Applies a plan that was found for whoever asks. Throws `service.plan_outdated` if it would differ by now, and as `refusePlaybooks` does. */
  async apply({ id }: PlanRecord, actor: PlanActor): Promise<ServicePlanApplied> {
    return this.lock.alone(async (sql) => {
      const record = await this.plans.find(id, sql)
      if (!record) throw outdated()
      if (record.applied) return record.applied
      const at = this.clock.now()
      const { scope, project, content } = record
      const made = await this.maker.make(content.request, { scope: scopeFrom(scope), scopeText: scope }, at, {
        sql,
        asked: content.asked ?? {},
      })
      if (!made.plan || (await runInSlices(toPlanDigest(made.plan))) !== record.digest) throw outdated()
      const { plan, spares } = made
      refusePlaybooks(plan, actor)
      const services = await this.write(sql, plan, { planId: id, project, scope, spares, by: actor.name, at })
      const applied = { planId: id, project, services }
      await this.plans.markApplied(sql, id, applied, at)
      return applied
    })
  }

  private async write(
    sql: Sql,
    { services }: ServicesPlan,
    application: SparingApplication,
  ): Promise<Applied[]> {
    const applied: Applied[] = []
    for (const service of services) {
      if (service.action === 'unchanged' || service.action === 'left_behind') continue
      applied.push(
        service.action === 'removed'
          ? await this.remove(sql, service, application)
          : await this.change(sql, service, application),
      )
    }
    return applied
  }

  private async remove(sql: Sql, service: PlannedService, application: SparingApplication): Promise<Applied> {
    const { stored, name, removedVolumes } = service
    if (!stored) throw new RollcallError('server.defect', `${name} is to be removed and is not stored`)
    const { by, at } = application
    await this.rows.removeService(sql, stored.id, removedVolumes, by, at)
    await this.rows.note(sql, stored.id, {
      kind: 'applied',
      toState: 'removed',
      reason: toPlanText(application),
      by,
      at,
    })
    return { id: stored.id, name, action: 'removed', revision: null }
  }

  private async change(sql: Sql, service: PlannedService, application: SparingApplication): Promise<Applied> {
    const { stored, wanted, name, action, slots } = service
    if (!wanted) throw new RollcallError('server.defect', `${name} is to be changed and is not in the file`)
    const { by, at } = application
    const id = stored?.id ?? randomUUID()
    const isSame = stored?.revision.digest === toRevisionDigest(wanted)
    const revisionId = isSame && stored ? stored.revision.id : randomUUID()
    await this.rows.upsertService(sql, id, revisionId, service, application)
    const revision = isSame
      ? stored?.revision.number
      : await this.insertRevision(sql, id, revisionId, wanted, application)
    const ids = await this.newIds(sql, slots.length)
    const departing = await this.rows.departing(sql, id)
    const changes = toInstanceChanges(service, departing, () => ids.pop() ?? '', toSlotReason)
    await this.rows.writeInstances(sql, id, revisionId, changes, at)
    if (!(await this.rows.writePorts(sql, id, slots))) throw outdated()
    await this.rows.writeVolumes(sql, service, application)
    await this.spares.replace(sql, id, revisionId, application.spares.get(name) ?? [], at)
    await this.rows.writePlacements(sql, id, slots, at)
    await this.rows.note(sql, id, {
      kind: 'applied',
      toState: action,
      reason: toPlanText(application),
      by,
      at,
    })
    await this.rows.removeOldRevisions(sql, id)
    return { id, name, action, revision: revision ?? null }
  }

  private async insertRevision(
    sql: Sql,
    serviceId: string,
    id: string,
    wanted: ResolvedService,
    { planId, by, at }: Application,
  ): Promise<number> {
    const revision = { ...wanted, id, serviceId, planId, createdAt: at, createdBy: by }
    return (await this.revisions.insert(sql, revision)).number
  }

  /** Chooses ids that no instance has. */
  private async newIds(sql: Sql, count: number): Promise<string[]> {
    const ids = new Set<string>()
    while (ids.size < count) {
      const chosen = Array.from({ length: count - ids.size }, () => randomBytes(ID_BYTES).toString('hex'))
      const taken = await this.rows.takenIds(chosen, sql)
      for (const id of chosen) if (!taken.has(id)) ids.add(id)
    }
    return [...ids]
  }
}

const toPlanText = ({ planId }: Application): string => `plan ${planId}`

const outdated = () =>
  new RollcallError(
    'service.plan_outdated',
    'The plan would do something else by now: hosts, images, secrets or services have changed. Make it again by "rollcall service plan FILE", and look at it before you apply it.',
  )
