import { Injectable } from '@nestjs/common'
import { type HostScope, isInScope, notFound } from '../access/index.ts'
import type { Host } from './domain/host.ts'
import { HostsRepository } from './hosts.repository.ts'

@Injectable()
export class HostsService {
  constructor(private readonly hosts: HostsRepository) {}

  async list(scope: HostScope): Promise<Host[]> {
    return (await this.hosts.list()).filter(({ labels }) => isInScope(scope, labels))
  }

  /** Returns the other host that is the same machine or a clone; its name is null outside `scope`. */
  async sameMachineAs({ sameMachineAs }: Host, scope: HostScope): Promise<{ name: string | null } | null> {
    const other = sameMachineAs === null ? null : await this.hosts.find(sameMachineAs)
    return other && { name: isInScope(scope, other.labels) ? other.name : null }
  }

  /** Returns a host by id. Throws `host.not_found`. */
  async show(id: string): Promise<Host> {
    const host = await this.hosts.find(id)
    if (host) return host
    throw notFound('host', id)
  }
}
