import { type LabelTerm, PERMISSIONS, ROLE_PERMISSIONS } from '@rollcall/contracts/admin'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isInScope, isNarrower, scopeFrom } from './host-scope.ts'
import { effectiveRights, findExcess, type Grant, type Rights, toUserRights } from './rights.ts'

const NOW = new Date('2026-01-01T00:00:00Z')
const selector = fc.constantFrom(
  'env=prod',
  'env=test',
  'env in (prod,test)',
  'env!=prod',
  'env',
  '!env',
  'zone=a',
  'zone notin (a,b)',
)
const rights: fc.Arbitrary<Rights> = fc.record({
  permissions: fc.subarray([...PERMISSIONS]).map((each) => new Set(each)),
  scopeText: fc.option(fc.array(selector, { minLength: 1, maxLength: 3 })),
})
const grant: fc.Arbitrary<Grant> = fc
  .tuple(rights, fc.boolean(), fc.option(fc.integer({ min: -2, max: 2 })))
  .map(([each, isDisabled, days]) => ({
    ...each,
    isDisabled,
    expiresAt: days === null ? null : new Date(NOW.getTime() + days * 86_400_000),
  }))
const lasting = grant.map((each) => ({ ...each, isDisabled: false, expiresAt: null }))
const chain = fc.array(lasting, { minLength: 1, maxLength: 4 })

/** Every host there could be with the labels that the selectors ask for, and some that none asks for. */
const VALUES = [undefined, 'prod', 'test', 'a', 'b', 'other']
const HOSTS = VALUES.flatMap((env) =>
  VALUES.map((zone) => ({ ...(env && { env }), ...(zone && { zone }) }) as Record<string, string>),
)
const hostsOf = ({ scopeText }: Rights) => HOSTS.filter((labels) => isInScope(scopeFrom(scopeText), labels))

describe('what somebody may do', () => {
  it('effective rights never exceed any link of the chain, in permissions or in hosts', () => {
    fc.assert(
      fc.property(chain, (links) => {
        const now = effectiveRights(links, NOW)
        for (const link of links) {
          expect([...(now?.permissions ?? [])].filter((each) => !link.permissions.has(each))).toEqual([])
          if (now) expect(findExcess(now, link)).toBeNull()
        }
      }),
    )
  })

  it('effective rights are everything that the links have in common', () => {
    fc.assert(
      fc.property(chain, (links) => {
        const now = effectiveRights(links, NOW) as Rights
        const common = PERMISSIONS.filter((each) => links.every(({ permissions }) => permissions.has(each)))
        expect([...now.permissions]).toEqual(common)
        const hosts = HOSTS.filter((host) => links.every((link) => hostsOf(link).includes(host)))
        expect(hostsOf(now)).toEqual(hosts)
      }),
    )
  })

  it('effective rights only shrink as the chain grows', () => {
    fc.assert(
      fc.property(fc.array(grant, { minLength: 1, maxLength: 3 }), grant, (links, another) => {
        const before = effectiveRights(links, NOW)
        const after = effectiveRights([...links, another], NOW)
        if (before === null) expect(after).toBeNull()
        else if (after) expect(findExcess(after, before)).toBeNull()
      }),
    )
  })

  it('effective rights are empty if a link is disabled or expired, or if there is no link', () => {
    fc.assert(
      fc.property(fc.array(grant, { maxLength: 4 }), (links) => {
        const hasEnded = links.some(
          ({ isDisabled, expiresAt }) => isDisabled || (expiresAt !== null && expiresAt <= NOW),
        )
        expect(effectiveRights(links, NOW) === null).toBe(links.length === 0 || hasEnded)
      }),
    )
  })
})

describe('what may be given', () => {
  it('a grant reaches no further than its giver: no extra permission, and no host that could ever exist', () => {
    fc.assert(
      fc.property(rights, rights, (given, giver) => {
        const isMore =
          [...given.permissions].some((each) => !giver.permissions.has(each)) ||
          hostsOf(given).some((host) => !hostsOf(giver).includes(host))
        expect(findExcess(given, giver) !== null).toBe(isMore)
      }),
      { numRuns: 1000 },
    )
  })

  it('a key that may only write users can grant no role', () => {
    const giver = { permissions: new Set(['users:write' as const]), scopeText: null }
    for (const role of ['admin', 'operator', 'viewer'] as const)
      expect(findExcess(toUserRights({ role, scope: ['env=x'] }), giver)).not.toBeNull()
    const admin = toUserRights({ role: 'admin', scope: null })
    expect(findExcess(toUserRights({ role: 'operator', scope: null }), admin)).toBeNull()
    expect(ROLE_PERMISSIONS.admin).toEqual(PERMISSIONS)
  })
})

const term: fc.Arbitrary<LabelTerm> = fc
  .record({
    key: fc.constantFrom('env', 'zone'),
    operator: fc.constantFrom('in', 'notIn', 'exists', 'absent'),
    values: fc.subarray(['prod', 'test', 'a', 'b']),
  })
  .map((each) => (each.operator === 'in' || each.operator === 'notIn' ? each : { ...each, values: [] }))
const scope = fc.option(fc.array(term, { maxLength: 5 }))

it('a scope is narrower than another exactly if every host that it could hold is in the other', () => {
  fc.assert(
    fc.property(scope, scope, (inner, outer) => {
      const isWithin = HOSTS.every((labels) => !isInScope(inner, labels) || isInScope(outer, labels))
      expect(isNarrower(inner, outer)).toBe(isWithin)
    }),
    { numRuns: 5000 },
  )
})
