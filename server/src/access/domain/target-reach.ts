import {
  type LabelTerm,
  matchesLabels,
  parseSelector,
  readHostReference,
  type Target,
} from '@rollcall/contracts/admin'
import { type HostScope, isInScope, isNarrower } from './host-scope.ts'

/** A host of the fleet, as far as it matters for whom a target means. */
export interface ReachableHost {
  id: string
  name: string
  labels: Readonly<Record<string, string>>
}

/** A selector that cannot be read fits no host, and never all of them. */
const toTerms = (target: Target): LabelTerm[] =>
  (target.labels ?? []).flatMap((text) => {
    const terms = parseSelector(text)
    return typeof terms === 'string' ? [{ key: text, operator: 'in' as const, values: [] }] : terms
  })

/** Tells whether a host is one that a target means. Pure. */
export function isMeant(target: Target, host: ReachableHost): boolean {
  if (target.hosts) return target.hosts.some((text) => isReferredBy(text, host))
  return target.all === true || matchesLabels(toTerms(target), host.labels)
}

function isReferredBy(text: string, { id, name }: ReachableHost): boolean {
  const reference = readHostReference(text)
  return 'id' in reference ? reference.id === id : reference.name === name
}

/**
 * Tells whether a target lies within a scope: named hosts by the labels that they have, labels by what they say, whatever hosts
 * there are. Pure.
 */
export function isTargetWithin(target: Target, scope: HostScope, hosts: readonly ReachableHost[]): boolean {
  if (scope === null) return true
  if (target.hosts)
    return target.hosts.every((text) =>
      hosts.some((host) => isReferredBy(text, host) && isInScope(scope, host.labels)),
    )
  return target.all !== true && isNarrower(toTerms(target), scope)
}

/** Somebody whose rights bound a run, beside those of who asks for it. */
export interface Bound {
  name: string
  scope: HostScope
}

export interface Narrowed<H extends ReachableHost> {
  /** Without the named hosts that are left out. */
  target: Target
  leftOut: { host: H; by: Bound }[]
  isNothingLeft: boolean
}

/** Takes out of a target the hosts on which one of `bounds` may not act. `hosts` are those that exist for who asks. Pure. */
export function narrowTarget<H extends ReachableHost>(
  target: Target,
  bounds: readonly Bound[],
  hosts: readonly H[],
): Narrowed<H> {
  const meant = hosts.filter((host) => isMeant(target, host))
  const leftOut = meant.flatMap((host) => {
    const by = bounds.find(({ scope }) => !isInScope(scope, host.labels))
    return by ? [{ host, by }] : []
  })
  const isKept = (text: string) => !leftOut.some(({ host }) => isReferredBy(text, host))
  return {
    target: target.hosts ? { hosts: target.hosts.filter(isKept) } : target,
    leftOut,
    isNothingLeft: meant.length > 0 && leftOut.length === meant.length,
  }
}
