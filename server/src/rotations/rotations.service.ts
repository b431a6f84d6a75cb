import { Injectable } from '@nestjs/common'
import type { RotationHost, RotationsStarted, Target } from '@rollcall/contracts/admin'
import { type HostScope, isInScope, type Principal } from '../access/index.ts'
import { type KnownIdentity, ServerIdentities } from '../identities/index.ts'
import { Clock } from '../platform/clock/clock.ts'
import { RunsService } from '../runs/index.ts'
import { RotationReconciler } from './rotation.reconciler.ts'
import { RotationsRepository } from './rotations.repository.ts'

/** Requests and shows rotations. The reconciler advances them. */
@Injectable()
export class RotationsService {
  constructor(
    private readonly rotations: RotationsRepository,
    private readonly reconciler: RotationReconciler,
    private readonly runs: RunsService,
    private readonly identities: ServerIdentities,
    private readonly clock: Clock,
  ) {}

  /** Stores new credentials for each host: from here on the rotation is advanced until the agent has them. Throws what choosing hosts throws. */
  async start(
    request: Target,
    { name, scope }: Pick<Principal, 'name' | 'scope'>,
  ): Promise<RotationsStarted> {
    const { chosen, skipped } = await this.runs.choose(request, scope)
    const ids = chosen.map(({ id }) => id)
    await this.rotations.begin(ids, name, this.clock.now())
    this.reconciler.wake()
    return { hosts: (await this.rotations.list(ids)).map(({ view }) => view), skipped }
  }

  /**
   * Makes a new identity of the servers and begins to give it to all agents that answer; the schedule gives it to the others. No agent is
   * called with it before it has taken it.
   */
  async renewIdentity({ name }: Pick<Principal, 'name'>): Promise<KnownIdentity[]> {
    const now = this.clock.now()
    await this.identities.renew(now)
    await this.rotations.begin(await this.rotations.outdated(null, null), name, now)
    this.reconciler.wake()
    return this.identities.list()
  }

  async list(scope: HostScope): Promise<RotationHost[]> {
    const all = await this.rotations.list(null)
    return all.filter(({ labels }) => isInScope(scope, labels)).map(({ view }) => view)
  }
}
