import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import type { HostScope } from '../access/index.ts'
import type { Sql } from '../platform/prisma/transaction.ts'
import { Catalogue } from './catalogue.ts'
import { type ManagedOrFaults, toManagedPlaybook } from './domain/managed-playbook.ts'

/** Playbooks for features that have them run as `present` and later as `absent`. */
@Injectable()
export class ManagedPlaybooks {
  constructor(private readonly catalogue: Catalogue) {}

  /**
   * Finds a playbook that is for the hosts of a scope, and checks its variables. In a transaction, its collection neither changes nor goes
   * before that ends.
   */
  async find(
    name: string,
    variables: Readonly<Record<string, unknown>>,
    scope: HostScope,
    transaction?: Sql,
  ): Promise<ManagedOrFaults> {
    try {
      return toManagedPlaybook(await this.catalogue.find(name, scope, transaction), variables)
    } catch (error) {
      if (!(error instanceof RollcallError) || error.code !== 'playbook.not_found') throw error
      return { faults: [{ field: 'playbook', message: `names ${name}, which is no playbook here` }] }
    }
  }
}
