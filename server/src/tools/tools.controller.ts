import { Controller } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { HostsRepository } from '../hosts/index.ts'
import { Endpoint, Input, type InputOf } from '../platform/http/endpoint.ts'
import { ToolsService } from './tools.service.ts'

/** For whoever is asked for by a request: it may take long where much is sent, and no longer. */
const SYNC_MS = 120_000

@Controller()
export class ToolsController {
  constructor(
    private readonly tools: ToolsService,
    private readonly hosts: HostsRepository,
  ) {}

  @Endpoint('syncTools')
  async sync(@Input() { params }: InputOf<'syncTools'>) {
    const host = (await this.hosts.findAllByNameOrId([params.host])).get(params.host)
    if (!host) throw new RollcallError('host.not_found', `There is no host called ${params.host}.`)
    const { version, isNew } = await this.tools.ensure(host.id, AbortSignal.timeout(SYNC_MS))
    return { version, isNew }
  }
}
