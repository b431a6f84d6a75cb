import { Inject, Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import type { Permission, ScopedKind } from '@rollcall/contracts/admin'
import { Alarm } from '../platform/clock/alarm.ts'
import { Repeater } from '../platform/clock/repeater.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { AccessService } from './access.service.ts'
import { may, type Principal } from './principal.ts'
import { ScopeRepository } from './scope.repository.ts'

/** Where no notice comes, a change is noticed this soon, and as much later as a remembered principal holds. */
const RECHECK_INTERVAL_MS = 2000
/** Between two rounds at least, however much changes. */
const MIN_PAUSE_MS = 100
const AT_ONCE = 16

/** What is needed to go on with something. */
export interface Need {
  permission: Permission
  /** What it concerns. */
  on?: { kind: ScopedKind; id: string }
}

/**
 * Asks again, for whatever goes on longer than a request, whether it still may: as soon as the database says that rights,
 * labels or scopes have changed, whichever server changed them, and every two seconds.
 */
@Injectable()
export class RightsWatch implements OnModuleInit, OnModuleDestroy {
  private readonly standing = new Set<() => Promise<void>>()
  private readonly news = new Alarm()
  private readonly stopping = new AbortController()
  private running = Promise.resolve()

  constructor(
    private readonly access: AccessService,
    private readonly scopes: ScopeRepository,
    private readonly repeater: Repeater,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  onModuleInit() {
    const { signal } = this.stopping
    this.access.onRightsChanged(() => this.news.ring())
    this.running = this.repeater.repeat('asking again what may go on', MIN_PAUSE_MS, signal, async () => {
      await this.news.wait(RECHECK_INTERVAL_MS, signal)
      await this.recheckAll()
    })
  }

  async onModuleDestroy() {
    this.stopping.abort()
    await this.running
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

  private async recheckAll(): Promise<void> {
    const due = [...this.standing]
    const failures: unknown[] = []
    const next = async () => {
      for (let entry = due.pop(); entry; entry = due.pop())
        if (this.standing.has(entry)) await entry().catch((error) => failures.push(error))
    }
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, due.length) }, next))
    // A database that is away changes nobody's rights: it is asked again in the next round.
    if (failures.length > 0)
      this.log.warn(
        { err: failures[0], count: failures.length },
        'whether something may go on could not be asked',
      )
  }
}
