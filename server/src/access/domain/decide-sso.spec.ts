import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decideSso, type SsoPolicy, type SsoView, verifiedEmail } from './decide-sso.ts'

const user = fc.record({ id: fc.constantFrom('a', 'b'), isDisabled: fc.boolean() })
const claims = fc.record(
  {
    iss: fc.constant('https://id.example'),
    sub: fc.string({ minLength: 1 }),
    email: fc.constantFrom('ann@example.com', 'ann@evil.example', 'no address', 7),
    email_verified: fc.constantFrom(true, false, 'true', 'false'),
    preferred_username: fc.constantFrom('ann@example.com', 'ann'),
    groups: fc.constantFrom('ops', ['look', 'ops'], ['none'], { ops: true }),
  },
  { requiredKeys: ['iss', 'sub'] },
)
const view: fc.Arbitrary<SsoView> = fc.record({
  linked: fc.option(user, { nil: undefined }),
  byEmail: fc.option(
    user.chain((each) => fc.boolean().map((isLinked) => ({ ...each, isLinked }))),
    { nil: undefined },
  ),
})
const lines = [{ value: 'ops', role: 'operator' as const, scope: ['env=prod'] }]
const policy: fc.Arbitrary<SsoPolicy> = fc.record({
  domains: fc.constantFrom([], ['example.com']),
  newUsers: fc.constantFrom(null, 'viewer' as const),
  rights: fc.constantFrom(null, { claim: 'groups', lines }),
  emailClaim: fc.constantFrom('email', 'preferred_username'),
  areEmailsTrusted: fc.boolean(),
})

describe('single sign-on, whatever a provider says', () => {
  it('single sign-on never admits a disabled user, nor one without a link or a verified address', () => {
    fc.assert(
      fc.property(claims, view, policy, (said, seen, rule) => {
        const decision = decideSso(said, seen, rule)
        if (decision.kind === 'refuse') return
        expect(seen.linked !== undefined || verifiedEmail(said, rule) !== null).toBe(true)
        expect((seen.linked ?? seen.byEmail)?.isDisabled ?? false).toBe(false)
        if (rule.domains.length > 0) expect(verifiedEmail(said, rule)).toBe('ann@example.com')
        if (rule.rights) expect(decision.rights).toEqual({ role: 'operator', scope: ['env=prod'] })
      }),
    )
  })

  it('single sign-on creates no user against the policy, nor a second one of the same address', () => {
    fc.assert(
      fc.property(claims, view, policy, (said, seen, rule) => {
        const { kind } = decideSso(said, seen, rule)
        if (kind === 'create')
          expect([rule.newUsers, seen.linked, seen.byEmail]).toEqual(['viewer', undefined, undefined])
      }),
    )
  })

  it('single sign-on links a user to exactly one subject of a provider', () => {
    fc.assert(
      fc.property(claims, view, policy, (said, seen, rule) => {
        const decision = decideSso(said, seen, rule)
        if (decision.kind === 'enter' && decision.isNewLink)
          expect([seen.linked, seen.byEmail?.isLinked]).toEqual([undefined, false])
      }),
    )
  })
})
