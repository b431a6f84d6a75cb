import { hasUuidForm } from '@rollcall/contracts'
import type { Role } from '@rollcall/contracts/admin'
import { areGroupsOmitted, type Claims, isTrue, readRoles } from './provider-claims.ts'

export interface KnownUser {
  id: string
  isDisabled: boolean
}

/** The users that the claims may belong to. */
export interface SsoView {
  /** The user linked to this provider's subject. */
  linked: KnownUser | undefined
  /** The user with the e-mail address, and whether another subject of the provider is linked to that user. */
  byEmail: (KnownUser & { isLinked: boolean }) | undefined
}

interface Rights {
  role: Role
  scope: string[] | null
}

export type SsoDecision =
  | { kind: 'refuse'; why: string }
  /** If the claims state rights, these replace the user's rights. */
  | { kind: 'enter'; userId: string; isNewLink: boolean; rights: Rights | null }
  | { kind: 'create'; email: string; name: string; rights: Rights }

export interface SsoPolicy {
  /** Allowed e-mail domains in lower case; empty allows all. */
  domains: readonly string[]
  /** The role for new users; null refuses them. */
  newUsers: Role | null
  /** The mapping from claims to rights, of which the first matching line applies; null if claims state no rights. */
  rights: { claim: string; lines: readonly (Rights & { value: string })[] } | null
  /** The claim with the e-mail address. */
  emailClaim: string
  /** True if the operator trusts the provider to verify every address. */
  areEmailsTrusted: boolean
}

const refuse = (why: string): SsoDecision => ({ kind: 'refuse', why })

/** Returns the e-mail address in lower case if it is verified or trusted, else null. */
export function verifiedEmail(
  claims: Claims,
  { emailClaim, areEmailsTrusted }: Pick<SsoPolicy, 'emailClaim' | 'areEmailsTrusted'>,
): string | null {
  const email = claims[emailClaim]
  const isVerified = areEmailsTrusted || (emailClaim === 'email' && isEmailVerified(claims))
  if (typeof email !== 'string' || !isVerified || email.length > 254) return null
  return /^[^\s@]+@[^\s@]+$/.test(email) ? email.toLowerCase() : null
}

/** Entra uses a claim of its own for addresses in a verified domain of the tenant. */
const isEmailVerified = ({ iss, email_verified: isVerified, xms_edov: isOwned }: Claims): boolean =>
  isTrue(isVerified) ||
  (isVerified === undefined &&
    String(iss).startsWith('https://login.microsoftonline.com/') &&
    (isTrue(isOwned) || isOwned === 1 || isOwned === '1'))

/**
 * Decides who signs in. A link by issuer and subject precedes an e-mail address, which may change hands; only a
 * verified address creates a link, and only once. Pure.
 */
export function decideSso(claims: Claims, view: SsoView, policy: SsoPolicy): SsoDecision {
  const email = verifiedEmail(claims, policy)
  const domain = email?.split('@').at(-1) ?? ''
  if (policy.domains.length > 0 && !policy.domains.includes(domain))
    return refuse('Only users with a verified e-mail address of certain domains may sign in')
  const rights = readRights(claims, policy)
  if (rights === undefined)
    return refuse(
      policy.rights && areGroupsOmitted(claims, policy.rights.claim)
        ? 'The provider omitted your groups because there are too many. Configure it to send the roles of this application instead'
        : 'Your groups at the provider grant no access here',
    )
  const known = view.linked ?? view.byEmail
  if (known?.isDisabled) return refuse('Your account is disabled')
  if (view.linked) return { kind: 'enter', userId: view.linked.id, isNewLink: false, rights }
  if (email === null)
    return refuse(
      'The provider does not confirm that your e-mail address is verified. If it verifies all addresses, the operator can set ROLLCALL_OIDC_TRUST_EMAILS',
    )
  if (view.byEmail?.isLinked)
    return refuse('The user with your e-mail address is linked to another account at the provider')
  if (view.byEmail) return { kind: 'enter', userId: view.byEmail.id, isNewLink: true, rights }
  if (policy.newUsers === null) return refuse(`There is no user with the address ${email}`)
  return {
    kind: 'create',
    email,
    name: readName(claims) ?? email,
    rights: rights ?? { role: policy.newUsers, scope: null },
  }
}

/** Returns the rights stated by the claims; null if they state none here, undefined if they should but grant none. */
function readRights(claims: Claims, { rights }: SsoPolicy): Rights | null | undefined {
  if (rights === null) return null
  const values = readRoles(claims, rights.claim)
  const line = rights.lines.find(({ value }) => values.includes(value))
  return line && { role: line.role, scope: line.scope }
}

function readName({ name }: Claims): string | undefined {
  const text = typeof name === 'string' ? name.trim() : ''
  // Some providers send the subject as the name, and a name must not look like an id.
  return text === '' || hasUuidForm(text) ? undefined : text
}
