import { Controller } from '@nestjs/common'
import { Actor, GuardedHost, type NamedHost, type Principal } from '../access/index.ts'
import { ServerIdentities } from '../identities/index.ts'
import { Endpoint } from '../platform/http/endpoint.ts'
import { toHostView } from './host.view.ts'
import { HostsService } from './hosts.service.ts'

@Controller()
export class HostsController {
  constructor(
    private readonly hosts: HostsService,
    private readonly identities: ServerIdentities,
  ) {}

  @Endpoint('listHosts')
  async list(@Actor() { scope }: Principal) {
    return { hosts: (await this.hosts.list(scope)).map(toHostView) }
  }

  @Endpoint('showHost')
  async show(@GuardedHost() { id }: NamedHost, @Actor() { scope }: Principal) {
    const host = await this.hosts.show(id)
    return {
      host: toHostView(host),
      serverPin: host.agent?.serverPin ?? (await this.identities.newestPin()),
      sameMachineAs: await this.hosts.sameMachineAs(host, scope),
    }
  }
}
