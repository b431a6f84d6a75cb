import { Inject, Injectable, type OnModuleInit } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import type { Permission, ScopedKind } from '@rollcall/contracts/admin'
import { Reconciler } from '../platform/background/reconciler.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { AccessService } from './access.service.ts'
import { may, type Principal } from './principal.ts'
import { ScopeRepository } from './scope.repository.ts'

const CONCURRENCY = 16

/** The right that long-lived work requires. */
export interface RequiredRight {
  permission: Permission
  /** The resource that it concerns. */
  on?: { kind: ScopedKind; id: string }
}

/**
 * Rechecks the rights behind work that outlives its request: on every notification of changed rights, labels or scopes,
 * and every two seconds.
 */
@Injectable()
export class RightsWatch extends Reconciler implements OnModuleInit {
  override readonly name = 'rights-watch'
  /** The delay of a change without a notification, plus the time a principal is cached. */
  override readonly intervalMs = 2000
  override readonly minPauseMs = 100
  private readonly watches = new Set<() => Promise<void>>()

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

  /**
   * Registers a recheck and returns a function that removes it. A failed recheck is logged and repeated in the next
   * round.
   */
  watch(recheck: () => Promise<void>): () => void {
    const entry = () => recheck()
    this.watches.add(entry)
    return () => void this.watches.delete(entry)
  }

  /**
   * Returns a signal that aborts, with the reason, once the principal is gone or lacks the right. Call `release` at the
   * end.
   */
  abortWhenLost(
    ask: () => Promise<Principal | undefined>,
    need: RequiredRight,
  ): { signal: AbortSignal; release(): void } {
    const ended = new AbortController()
    const release = this.watch(async () => {
      const lost = await this.findRefusal(await ask(), need)
      if (!lost) return
      release()
      ended.abort(lost)
    })
    return { signal: ended.signal, release }
  }

  /** Returns why the principal may not continue; undefined if it may. */
  async findRefusal(
    principal: Principal | undefined,
    { permission, on }: RequiredRight,
  ): Promise<RollcallError | undefined> {
    if (!principal)
      return new RollcallError(
        'request.unauthenticated',
        'The user was signed out, disabled or removed, or the key has expired.',
      )
    if (!may(principal, permission))
      return new RollcallError(
        'request.forbidden',
        `${principal.name} no longer has the permission ${permission}.`,
      )
    if (on && !(await this.scopes.exists(on.kind, principal.scope, on.id)))
      return new RollcallError(
        `${on.kind}.not_found`,
        `This ${on.kind} is no longer in the scope of ${principal.name}.`,
      )
    return undefined
  }

  /** Runs every registered recheck. */
  override async reconcile(): Promise<void> {
    const due = [...this.watches]
    const failures: unknown[] = []
    const next = async () => {
      for (let entry = due.pop(); entry; entry = due.pop())
        if (this.watches.has(entry)) await entry().catch((error) => failures.push(error))
    }
    await Promise.all(Array.from({ length: Math.min(CONCURRENCY, due.length) }, next))
    // A database outage changes no rights; the next round repeats the check.
    if (failures.length > 0)
      this.log.warn({ err: failures[0], count: failures.length }, 'failed to recheck rights')
  }
}
