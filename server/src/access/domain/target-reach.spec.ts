import type { Target } from '@rollcall/contracts/admin'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isInScope, scopeFrom } from './host-scope.ts'
import { isTargeted, isTargetWithin, narrowTarget, type ReachableHost } from './target-reach.ts'

const VALUES = [undefined, 'prod', 'test', 'other']
/** A host of each kind that the selectors below tell apart. */
const HOSTS: ReachableHost[] = VALUES.flatMap((env) =>
  VALUES.map((zone) => ({
    id: crypto.randomUUID(),
    name: `${env ?? 'no'}-${zone ?? 'no'}`,
    labels: { ...(env && { env }), ...(zone && { zone }) },
  })),
)
const selector = fc.constantFrom('env=prod', 'env in (prod,test)', 'env!=test', 'env', '!zone', 'zone=test')
const selectors = fc.array(selector, { minLength: 1, maxLength: 3 })
const target: fc.Arbitrary<Target> = fc.oneof(
  fc.record({ labels: selectors }),
  fc.record({ all: fc.constant(true as const) }),
  fc.record({
    hosts: fc.array(fc.constantFrom(...HOSTS.flatMap(({ id, name }) => [id, name])), {
      minLength: 1,
      maxLength: 4,
    }),
  }),
)
const scope = fc.option(selectors).map(scopeFrom)

describe('a target', () => {
  it('a target lies within a scope exactly if no host that it could mean lies outside', () => {
    fc.assert(
      fc.property(target, scope, (each, limits) => {
        const isOutside = HOSTS.some((host) => isTargeted(each, host) && !isInScope(limits, host.labels))
        expect(isTargetWithin(each, limits, HOSTS)).toBe(!isOutside)
      }),
      { numRuns: 1000 },
    )
  })

  it('a target of all hosts or of an unknown host lies within the scope of all hosts only', () => {
    const limits = scopeFrom(['env=prod'])
    expect(isTargetWithin({ hosts: ['gone'] }, limits, HOSTS)).toBe(false)
    expect(isTargetWithin({ all: true }, limits, [])).toBe(false)
    expect(isTargetWithin({ all: true }, null, HOSTS)).toBe(true)
  })

  it('a target is narrowed to what every owner may act on, and the hosts left out are reported', () => {
    fc.assert(
      fc.property(target, scope, scope, (each, one, other) => {
        const bounds = [
          { name: 'one', scope: one },
          { name: 'other', scope: other },
        ]
        const narrowed = narrowTarget(each, bounds, HOSTS)
        const meant = HOSTS.filter((host) => isTargeted(each, host))
        const kept = meant.filter((host) => bounds.every(({ scope }) => isInScope(scope, host.labels)))
        const out = narrowed.leftOut.map(({ host }) => host)
        expect(out).toEqual(meant.filter((host) => !kept.includes(host)))
        expect(narrowed.isNothingLeft).toBe(meant.length > 0 && kept.length === 0)
        if (each.hosts) expect(HOSTS.filter((host) => isTargeted(narrowed.target, host))).toEqual(kept)
      }),
    )
  })
})
