import { Controller } from '@nestjs/common'
import { Actor, type Principal } from '../access/index.ts'
import { ServerIdentities } from '../platform/crypto/server-identities.ts'
import { Endpoint, Input, type InputOf } from '../platform/http/endpoint.ts'
import { viewOfHost } from './host-view.ts'
import { HostsService } from './hosts.service.ts'

@Controller()
export class HostsController {
  constructor(
    private readonly hosts: HostsService,
    private readonly identities: ServerIdentities,
  ) {}

  @Endpoint('listHosts')
  async list(@Actor() { scope }: Principal) {
    return { hosts: (await this.hosts.list(scope)).map(viewOfHost) }
  }

  @Endpoint('showHost')
  async show(@Input() { params }: InputOf<'showHost'>) {
    const host = await this.hosts.show(params.host)
    return {
      host: viewOfHost(host),
      serverPin: host.agent?.serverPin ?? (await this.identities.newestPin()),
    }
  }
}
