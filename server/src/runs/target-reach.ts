import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import type { SkippedHost, Target } from '@rollcall/contracts/admin'
import {
  type Bound,
  type HostScope,
  intersectScopes,
  isInScope,
  isTargeted,
  isTargetWithin,
  narrowTarget,
} from '../access/index.ts'
import { HostsRepository } from '../hosts/index.ts'

/** Which hosts targets reach, of those there are now. */
@Injectable()
export class TargetReach {
  constructor(private readonly hosts: HostsRepository) {}

  /** Keeps what lies within somebody's scope. `targetOf` returns null for what needs no host to be seen. */
  async visible<T>(all: readonly T[], scope: HostScope, targetOf: (each: T) => Target | null): Promise<T[]> {
    if (scope === null || all.length === 0) return [...all]
    const hosts = await this.hosts.listForSelection()
    return all.filter((each) => {
      const target = targetOf(each)
      return target === null || isTargetWithin(target, scope, hosts)
    })
  }

  /**
   * Narrows a target to what `bounds` may act on as well, and says which hosts are left out, of those that exist for `scope`.
   * Throws `access.owner_lost` where none is left.
   */
  async narrow(
    target: Target,
    scope: HostScope,
    bounds: readonly Bound[],
  ): Promise<{ target: Target; scope: HostScope; leftOut: SkippedHost[] }> {
    const narrowing = bounds.filter((bound) => bound.scope !== null)
    if (narrowing.length === 0) return { target, scope, leftOut: [] }
    const hosts = await this.hosts.listForSelection()
    const narrowed = narrowTarget(
      target,
      narrowing,
      hosts.filter(({ labels }) => isInScope(scope, labels)),
    )
    if (narrowed.isNothingLeft)
      throw new RollcallError(
        'access.owner_lost',
        `${narrowing.map(({ name }) => name).join(' and ')}, whose it is, may act on none of the hosts that it is for. Whoever changes it becomes its owner.`,
      )
    return {
      target: narrowed.target,
      scope: narrowing.reduce<HostScope>((sum, bound) => intersectScopes(sum, bound.scope), scope),
      leftOut: narrowed.leftOut.map(({ host, by }) => ({
        host: host.name,
        reason: `${by.name}, whose it is, may not act on it`,
      })),
    }
  }

  /** Throws `saved_command.sealed` where a target means a host that the one for which secret values were given does not. */
  async refuseElsewhere(target: Target, given: Target, scope: HostScope): Promise<void> {
    const hosts = await this.hosts.listForSelection()
    const elsewhere = hosts.filter(
      (host) => isInScope(scope, host.labels) && isTargeted(target, host) && !isTargeted(given, host),
    )
    if (elsewhere.length > 0)
      throw new RollcallError(
        'saved_command.sealed',
        `The values of its environment were given for other hosts than: ${elsewhere
          .slice(0, 20)
          .map(({ name }) => name)
          .join(
            ', ',
          )}. Run it on the hosts it was saved for, or save it again with the values for these hosts.`,
        { fields: [{ field: 'target', message: 'means hosts for which its secret values were not given' }] },
      )
  }
}
