import { Controller, Inject } from '@nestjs/common'
import { Actor, type Principal } from '../access/index.ts'
import type { Identity } from '../platform/crypto/certificates.ts'
import { Endpoint, Input, type InputOf } from '../platform/http/endpoint.ts'
import { SERVER_IDENTITY } from '../platform/tokens.ts'
import { viewOfHost } from './host-view.ts'
import { HostsService } from './hosts.service.ts'

@Controller()
export class HostsController {
  constructor(
    private readonly hosts: HostsService,
    @Inject(SERVER_IDENTITY) private readonly identity: Identity,
  ) {}

  @Endpoint('listHosts')
  async list(@Actor() { scope }: Principal) {
    return { hosts: (await this.hosts.list(scope)).map(viewOfHost) }
  }

  @Endpoint('showHost')
  async show(@Input() { params }: InputOf<'showHost'>) {
    return { host: viewOfHost(await this.hosts.show(params.host)), serverPin: this.identity.pin }
  }
}
