import { Controller } from '@nestjs/common'
import { Actor, GuardedHost, type NamedHost, type Principal } from '../access/index.ts'
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
  status(@GuardedHost() { id }: NamedHost) {
    return this.fleet.status(id)
  }

  @Endpoint('hostHistory')
  async history(@GuardedHost() { id }: NamedHost, @Input() { query }: InputOf<'hostHistory'>) {
    return { events: await this.fleet.history(id, query.limit, query.before) }
  }

  @Endpoint('hostSamples')
  async samples(@GuardedHost() { id }: NamedHost, @Input() { query }: InputOf<'hostSamples'>) {
    return { samples: await this.fleet.samples(id, query.resolution) }
  }
}
