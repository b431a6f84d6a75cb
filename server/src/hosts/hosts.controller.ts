import { Controller } from '@nestjs/common'
import { Endpoint, Input, type InputOf } from '../platform/http/endpoint.ts'
import { viewOfHost } from './host-view.ts'
import { HostsService } from './hosts.service.ts'

@Controller()
export class HostsController {
  constructor(private readonly hosts: HostsService) {}

  @Endpoint('listHosts')
  async list() {
    return { hosts: (await this.hosts.list()).map(viewOfHost) }
  }

  @Endpoint('showHost')
  async show(@Input() { params }: InputOf<'showHost'>) {
    return { host: viewOfHost(await this.hosts.show(params.host)) }
  }
}
