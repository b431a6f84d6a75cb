import { Controller } from '@nestjs/common'
import { GuardedHost, type NamedHost } from '../access/index.ts'
import { Endpoint } from '../platform/http/endpoint.ts'
import { ToolsService } from './tools.service.ts'

/** The timeout for a request, which may have to send the whole tree. */
const SYNC_MS = 120_000

@Controller()
export class ToolsController {
  constructor(private readonly tools: ToolsService) {}

  @Endpoint('syncTools')
  async sync(@GuardedHost() { id }: NamedHost) {
    const { version, isNew } = await this.tools.ensure(id, AbortSignal.timeout(SYNC_MS))
    return { version, isNew }
  }
}
