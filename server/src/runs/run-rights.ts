import { Injectable } from '@nestjs/common'
import { AccessService, may, ScopeRepository } from '../access/index.ts'
import { AdmissionsRepository } from './admissions.repository.ts'

/** Decides whether the requester of a run may still have it begin on further hosts. */
@Injectable()
export class RunRights {
  constructor(
    private readonly admissions: AdmissionsRepository,
    private readonly access: AccessService,
    private readonly scopes: ScopeRepository,
  ) {}

  /** Returns why no further host of a run may begin, or null. */
  async refusal(runId: string): Promise<string | null> {
    const { requester, permission } = (await this.admissions.requester(runId)) ?? {}
    if (!requester || !permission) return null
    const principal = await this.access.findByRef(requester)
    if (!principal) return 'its requester was removed or disabled, or is a key that has ended'
    if (!may(principal, permission))
      return `${principal.name} does not have the permission ${permission} any more`
    if (principal.scope === null) return null
    const held = await this.admissions.heldHosts(runId)
    const seen = await this.scopes.filterExisting('host', principal.scope, held)
    return held.every((id) => seen.has(id))
      ? null
      : `${principal.name} may not act on all of its hosts any more`
  }
}
