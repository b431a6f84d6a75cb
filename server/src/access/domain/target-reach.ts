import { type LabelTerm, matchesLabels, readHostReference, type Target } from '@rollcall/contracts/admin'
import { type HostScope, isInScope, isNarrower, scopeFrom } from './host-scope.ts'

/** The fields of a host that targets select by. */
export interface ReachableHost {
  id: string
  name: string
  labels: Readonly<Record<string, string>>
}

const toTerms = (target: Target): readonly LabelTerm[] => scopeFrom(target.labels ?? []) ?? []

/** Tells whether a target includes a host. Pure. */
export function isTargeted(target: Target, host: ReachableHost): boolean {
  if (target.hosts) return target.hosts.some((text) => isReferencedBy(text, host))
  return target.all === true || matchesLabels(toTerms(target), host.labels)
}

function isReferencedBy(text: string, { id, name }: ReachableHost): boolean {
  const reference = readHostReference(text)
  return 'id' in reference ? reference.id === id : reference.name === name
}

/**
 * Tells whether a target lies within a scope: named hosts by their labels, selectors by their terms whichever hosts
 * exist. Pure.
 */
export function isTargetWithin(target: Target, scope: HostScope, hosts: readonly ReachableHost[]): boolean {
  if (scope === null) return true
  if (target.hosts)
    return target.hosts.every((text) =>
      hosts.some((host) => isReferencedBy(text, host) && isInScope(scope, host.labels)),
    )
  return target.all !== true && isNarrower(toTerms(target), scope)
}

/** A principal whose rights bound a run in addition to the requester's. */
export interface Bound {
  name: string
  scope: HostScope
}

export interface Narrowed<H extends ReachableHost> {
  /** The target without the hosts left out. */
  target: Target
  leftOut: { host: H; by: Bound }[]
  isNothingLeft: boolean
}

/** Removes the hosts on which one of `bounds` may not act. `hosts` are those visible to the requester. Pure. */
export function narrowTarget<H extends ReachableHost>(
  target: Target,
  bounds: readonly Bound[],
  hosts: readonly H[],
): Narrowed<H> {
  const meant = hosts.filter((host) => isTargeted(target, host))
  const leftOut = meant.flatMap((host) => {
    const by = bounds.find(({ scope }) => !isInScope(scope, host.labels))
    return by ? [{ host, by }] : []
  })
  const isKept = (text: string) => !leftOut.some(({ host }) => isReferencedBy(text, host))
  return {
    target: target.hosts ? { hosts: target.hosts.filter(isKept) } : target,
    leftOut,
    isNothingLeft: meant.length > 0 && leftOut.length === meant.length,
  }
}
