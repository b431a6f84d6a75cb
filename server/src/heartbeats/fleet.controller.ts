import { Controller } from '@nestjs/common'
import { Actor, type Principal } from '../access/index.ts'
import { Endpoint, Input, type InputOf } from '../platform/http/endpoint.ts'
import { FleetService } from './fleet.service.ts'

@Controller()
export class FleetController {
  constructor(private readonly fleet: FleetService) {}

  @Endpoint('listAgents')
  agents(@Input() { query }: InputOf<'listAgents'>, @Actor() { scope }: Principal) {
    return this.fleet.agents(scope, query)
  }

  @Endpoint('sparklines')
  async sparklines(@Input() { query }: InputOf<'sparklines'>, @Actor() { scope }: Principal) {
    return { sparklines: await this.fleet.sparklines(scope, query.hosts) }
  }

  @Endpoint('clusterHealth')
  health(@Actor() { scope }: Principal) {
    return this.fleet.health(scope)
  }

  @Endpoint('hostStatus')
  status(@Input() { params }: InputOf<'hostStatus'>) {
    return this.fleet.status(params.host)
  }

  @Endpoint('hostHistory')
  async history(@Input() { params, query }: InputOf<'hostHistory'>) {
    return { events: await this.fleet.history(params.host, query.limit, query.before) }
  }

  @Endpoint('hostSamples')
  async samples(@Input() { params, query }: InputOf<'hostSamples'>) {
    return { samples: await this.fleet.samples(params.host, query.resolution) }
  }
}
