import { Inject, Injectable, type OnModuleInit } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import type { Permission, ScopedKind } from '@rollcall/contracts/admin'
import { Reconciler } from '../platform/background/reconciler.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { AccessService } from './access.service.ts'
import { may, type Principal } from './principal.ts'
import { ScopeRepository } from './scope.repository.ts'

const CONCURRENCY = 16

/** The right that is needed to go on with something. */
export interface Need {
  permission: Permission
  /** The object that it concerns. */
  on?: { kind: ScopedKind; id: string }
}

/**
 * Asks again, for whatever goes on longer than a request, whether it still may: as soon as the database says that rights,
 * labels or scopes have changed, whichever server changed them, and every two seconds.
 */
@Injectable()
export class RightsWatch extends Reconciler implements OnModuleInit {
  override readonly name = 'rights-watch'
  /** Without a notification a change is seen this late, plus for how long a principal is cached. */
  override readonly intervalMs = 2000
  override readonly minPauseMs = 100
  private readonly standing = new Set<() => Promise<void>>()

  constructor(
    private readonly access: AccessService,
    private readonly scopes: ScopeRepository,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    super()
  }

  onModuleInit() {
    this.access.onRightsChanged(() => this.wake())
  }

  /** Calls `recheck` in every round until the returned function is called. One that fails is logged, and called again in the next. */
  watch(recheck: () => Promise<void>): () => void {
    const entry = () => recheck()
    this.standing.add(entry)
    return () => void this.standing.delete(entry)
  }

  /** Aborts the returned signal, with why, once `ask` gives nobody any more or somebody who lacks what is needed. Call `release` at the end. */
  hold(ask: () => Promise<Principal | undefined>, need: Need): { signal: AbortSignal; release(): void } {
    const ended = new AbortController()
    const release = this.watch(async () => {
      const lost = await this.refusalOf(await ask(), need)
      if (!lost) return
      release()
      ended.abort(lost)
    })
    return { signal: ended.signal, release }
  }

  /** Says why somebody may not go on; undefined where they may. */
  async refusalOf(
    principal: Principal | undefined,
    { permission, on }: Need,
  ): Promise<RollcallError | undefined> {
    if (!principal)
      return new RollcallError(
        'request.unauthenticated',
        'Whoever began this was signed out, disabled or removed meanwhile, or their key has ended.',
      )
    if (!may(principal, permission))
      return new RollcallError(
        'request.forbidden',
        `${principal.name} does not have the permission ${permission} any more.`,
      )
    if (on && !(await this.scopes.exists(on.kind, principal.scope, on.id)))
      return new RollcallError(
        `${on.kind}.not_found`,
        `This ${on.kind} is outside of what ${principal.name} may act on by now.`,
      )
    return undefined
  }

  /** Calls every `recheck` that is registered. */
  override async reconcile(): Promise<void> {
    const due = [...this.standing]
    const failures: unknown[] = []
    const next = async () => {
      for (let entry = due.pop(); entry; entry = due.pop())
        if (this.standing.has(entry)) await entry().catch((error) => failures.push(error))
    }
    await Promise.all(Array.from({ length: Math.min(CONCURRENCY, due.length) }, next))
    // A database that is away changes nobody's rights: it is asked again in the next round.
    if (failures.length > 0)
      this.log.warn(
        { err: failures[0], count: failures.length },
        'whether something may go on could not be asked',
      )
  }
}
