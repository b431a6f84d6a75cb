import { randomUUID } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import type {
  NewServicePlan,
  ServicePlanAnswer,
  ServicePlanApplied,
  ServicePlanText,
  ServicePlanView,
} from '@rollcall/contracts/admin'
import { Clock } from '../platform/clock/clock.ts'
import { toCanonicalJson } from './domain/plan/digest.ts'
import { toPlanDigest } from './domain/plan/plan-digest.ts'
import type { PlanRecord } from './domain/plan-record.ts'
import { isSameScope } from './domain/visibility.ts'
import { runInSlices } from './in-slices.ts'
import { toPlanContent, toPlanView } from './plan.view.ts'
import { type PlanActor, refusePlaybooks } from './plan-actor.ts'
import { PlanApplier } from './plan-applier.ts'
import { PlanMaker } from './plan-maker.ts'
import { PlansRepository } from './plans.repository.ts'

/** Plans of services, from the file to what was applied. */
@Injectable()
export class PlansService {
  constructor(
    private readonly plans: PlansRepository,
    private readonly maker: PlanMaker,
    private readonly applier: PlanApplier,
    private readonly clock: Clock,
  ) {}

  /** Makes a plan and keeps it, or answers every fault. Throws `service.outside_scope`, `service.volume_not_found`, and as `refusePlaybooks` does. */
  async plan({ planId, ...request }: NewServicePlan, actor: PlanActor): Promise<ServicePlanAnswer> {
    refuseVolumesWithoutPrune(request)
    const { plan, faults, keys, asked, spares } = await this.maker.make(request, actor, this.clock.now())
    if (!plan) return { plan: null, faults: [...faults], keys: [...keys] }
    refusePlaybooks(plan, actor)
    const record: PlanRecord = {
      id: planId ?? randomUUID(),
      project: plan.project,
      digest: await runInSlices(toPlanDigest(plan)),
      content: { request, asked, view: toPlanContent(plan, spares) },
      scope: actor.scopeText,
      requestedBy: actor.name,
      requesterId: actor.userId ?? actor.id,
      createdAt: this.clock.now(),
      appliedAt: null,
      applied: null,
    }
    const isNew = await this.plans.insert(record)
    const stored = isNew ? record : await this.findSame(record, actor)
    return { plan: toPlanView(stored), faults: [], keys: [...keys] }
  }

  /** Finds the plan of an id that was used before. Throws `request.invalid` if it is of another request. */
  private async findSame({ id, content }: PlanRecord, actor: PlanActor): Promise<PlanRecord> {
    const stored = await this.find(id, actor)
    if (toCanonicalJson(stored.content.request) === toCanonicalJson(content.request)) return stored
    throw new RollcallError('request.invalid', `The id ${id} is that of another plan. Choose a new one.`, {
      fields: [{ field: 'planId', message: 'is in use' }],
    })
  }

  async show(id: string, actor: PlanActor): Promise<ServicePlanView> {
    return toPlanView(await this.find(id, actor))
  }

  async text(id: string, actor: PlanActor): Promise<ServicePlanText> {
    const { text, files, variables } = (await this.find(id, actor)).content.request
    return { text, files, variables: Object.keys(variables).sort() }
  }

  /** Applies a plan. Throws `service.plan_outdated` where it would differ by now; the same plan again answers the same. */
  async apply(id: string, actor: PlanActor): Promise<ServicePlanApplied> {
    return this.applier.apply(await this.find(id, actor), actor)
  }

  /** A plan of another scope does not exist for whoever may act on some hosts only. */
  private async find(id: string, { scopeText }: PlanActor): Promise<PlanRecord> {
    const plan = await this.plans.find(id)
    if (plan && (scopeText === null || isSameScope(plan.scope, scopeText))) return plan
    throw new RollcallError(
      'service.plan_not_found',
      `There is no plan ${id}. Plans that were not applied are kept for a day, and of each person only the newest: make it again by "rollcall service plan FILE".`,
    )
  }
}

function refuseVolumesWithoutPrune({ prune, removedVolumes }: Omit<NewServicePlan, 'planId'>): void {
  if (prune || removedVolumes.length === 0) return
  throw new RollcallError(
    'request.invalid',
    'Volumes are removed only with services that are removed. Say prune as well.',
    { fields: [{ field: 'removedVolumes', message: 'needs prune' }] },
  )
}
