import { hasUuidForm } from '@rollcall/contracts'
import type { Role } from '@rollcall/contracts/admin'
import { type Claims, isLeftOut, isTrue, rolesIn } from './provider-claims.ts'

interface KnownUser {
  id: string
  isDisabled: boolean
}

/** Whom the claims may belong to. */
export interface SsoView {
  /** The user whom this provider's subject is linked to. */
  linked: KnownUser | undefined
  /** The user with the e-mail address, and whether another subject of this provider is linked to them. */
  byEmail: (KnownUser & { isLinked: boolean }) | undefined
}

interface Rights {
  role: Role
  scope: string[] | null
}

export type SsoDecision =
  | { kind: 'refuse'; why: string }
  /** `rights` where the claims say them: then they are those of the user from now on. */
  | { kind: 'enter'; userId: string; isNewLink: boolean; rights: Rights | null }
  | { kind: 'create'; email: string; name: string; rights: Rights }

export interface SsoPolicy {
  /** E-mail domains that are let in, in lower case; empty for all. */
  domains: readonly string[]
  /** The role of somebody whom no user fits; null to refuse them. */
  newUsers: Role | null
  /** Null where claims say nothing of rights. Of the lines the first that fits counts. */
  rights: { claim: string; lines: readonly (Rights & { value: string })[] } | null
  /** The claim with the e-mail address. */
  emailClaim: string
  /** The operator vouches that the provider has verified every address. */
  areEmailsTrusted: boolean
}

const refuse = (why: string): SsoDecision => ({ kind: 'refuse', why })

/** The address that the provider says is theirs, in lower case; only one that it has verified, or is trusted to have, counts. */
export function verifiedEmail(
  claims: Claims,
  { emailClaim, areEmailsTrusted }: Pick<SsoPolicy, 'emailClaim' | 'areEmailsTrusted'>,
): string | null {
  const email = claims[emailClaim]
  const isVerified = areEmailsTrusted || (emailClaim === 'email' && isSaidVerified(claims))
  if (typeof email !== 'string' || !isVerified || email.length > 254) return null
  return /^[^\s@]+@[^\s@]+$/.test(email) ? email.toLowerCase() : null
}

/** Entra says of a whole tenant's domain that it belongs to that tenant, with a claim of its own. */
const isSaidVerified = ({ iss, email_verified: isVerified, xms_edov: isOwned }: Claims): boolean =>
  isTrue(isVerified) ||
  (isVerified === undefined &&
    String(iss).startsWith('https://login.microsoftonline.com/') &&
    (isTrue(isOwned) || isOwned === 1 || isOwned === '1'))

/**
 * Who signs in. A link by issuer and subject goes before an e-mail address, which may pass to somebody else at the
 * provider; an address makes a link once, and only one that was verified. Pure.
 */
export function decideSso(claims: Claims, view: SsoView, policy: SsoPolicy): SsoDecision {
  const email = verifiedEmail(claims, policy)
  const domain = email?.split('@').at(-1) ?? ''
  if (policy.domains.length > 0 && !policy.domains.includes(domain))
    return refuse('Only people with a verified address of certain domains may sign in here')
  const rights = rightsIn(claims, policy)
  if (rights === undefined)
    return refuse(
      policy.rights && isLeftOut(claims, policy.rights.claim)
        ? 'The provider has left your groups out since there are too many: have it send the roles of this application instead'
        : 'Your groups at the provider give no rights here',
    )
  const known = view.linked ?? view.byEmail
  if (known?.isDisabled) return refuse('Your account is disabled')
  if (view.linked) return { kind: 'enter', userId: view.linked.id, isNewLink: false, rights }
  if (email === null)
    return refuse(
      'The provider does not say that your e-mail address is verified; where it verifies all of them the operator says so with ROLLCALL_OIDC_TRUST_EMAILS',
    )
  if (view.byEmail?.isLinked)
    return refuse('The user with your e-mail address belongs to somebody else at the provider')
  if (view.byEmail) return { kind: 'enter', userId: view.byEmail.id, isNewLink: true, rights }
  if (policy.newUsers === null) return refuse(`There is no user with the address ${email}`)
  return {
    kind: 'create',
    email,
    name: nameIn(claims) ?? email,
    rights: rights ?? { role: policy.newUsers, scope: null },
  }
}

/** Null where claims say nothing of rights here; undefined where they would, and give none. */
function rightsIn(claims: Claims, { rights }: SsoPolicy): Rights | null | undefined {
  if (rights === null) return null
  const values = rolesIn(claims, rights.claim)
  const line = rights.lines.find(({ value }) => values.includes(value))
  return line && { role: line.role, scope: line.scope }
}

function nameIn({ name }: Claims): string | undefined {
  const text = typeof name === 'string' ? name.trim() : ''
  // Some providers put the subject there, and a name may not have the form of an id.
  return text === '' || hasUuidForm(text) ? undefined : text
}
