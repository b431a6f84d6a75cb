import { Controller } from '@nestjs/common'
import { Actor, GuardedHostIfNamed, type NamedHost, type Principal } from '../access/index.ts'
import { Endpoint, Input, type InputOf } from '../platform/http/endpoint.ts'
import { PlacementsService } from './placements.service.ts'
import { PlansService } from './plans.service.ts'
import { ServicesService } from './services.service.ts'

@Controller()
export class ServicesController {
  constructor(
    private readonly services: ServicesService,
    private readonly plans: PlansService,
    private readonly placements: PlacementsService,
  ) {}

  @Endpoint('planServices')
  plan(@Input() { body }: InputOf<'planServices'>, @Actor() actor: Principal) {
    return this.plans.plan(body, actor)
  }

  @Endpoint('showServicePlan')
  async showPlan(@Input() { params }: InputOf<'showServicePlan'>, @Actor() actor: Principal) {
    return { plan: await this.plans.show(params.id, actor) }
  }

  @Endpoint('showServicePlanText')
  showPlanText(@Input() { params }: InputOf<'showServicePlanText'>, @Actor() actor: Principal) {
    return this.plans.text(params.id, actor)
  }

  @Endpoint('applyServicePlan')
  apply(@Input() { params }: InputOf<'applyServicePlan'>, @Actor() actor: Principal) {
    return this.plans.apply(params.id, actor)
  }

  @Endpoint('listServices')
  async list(@Input() { query }: InputOf<'listServices'>, @Actor() actor: Principal) {
    return { services: await this.services.list(query, actor) }
  }

  @Endpoint('showService')
  show(@Input() { params }: InputOf<'showService'>, @Actor() actor: Principal) {
    return this.services.show(params.service, actor)
  }

  @Endpoint('listServiceRevisions')
  async revisions(@Input() { params }: InputOf<'listServiceRevisions'>, @Actor() actor: Principal) {
    return { revisions: await this.services.revisions(params.service, actor) }
  }

  @Endpoint('listServiceEvents')
  async events(@Input() { params, query }: InputOf<'listServiceEvents'>, @Actor() actor: Principal) {
    return { events: await this.services.events(params.service, query, actor) }
  }

  @Endpoint('explainInstance')
  why(
    @Input() { params }: InputOf<'explainInstance'>,
    @GuardedHostIfNamed() host: NamedHost | undefined,
    @Actor() actor: Principal,
  ) {
    return this.placements.why(params.service, params.slot, host, actor)
  }
}
