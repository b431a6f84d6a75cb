import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { type HostScope, isInScope } from '../access/index.ts'
import type { Host } from './domain/host.ts'
import { HostsRepository } from './hosts.repository.ts'

@Injectable()
export class HostsService {
  constructor(private readonly hosts: HostsRepository) {}

  async list(scope: HostScope): Promise<Host[]> {
    return (await this.hosts.list()).filter(({ labels }) => isInScope(scope, labels))
  }

  /** Throws `host.not_found`. */
  async show(nameOrId: string): Promise<Host> {
    const host = await this.hosts.findByNameOrId(nameOrId)
    if (!host)
      throw new RollcallError(
        'host.not_found',
        `There is no host called ${nameOrId}. "rollcall host list" shows those there are.`,
      )
    return host
  }
}
