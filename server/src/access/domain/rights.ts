import { PERMISSIONS, type Permission, ROLE_PERMISSIONS, type Role } from '@rollcall/contracts/admin'
import { isNarrower, scopeFrom } from './host-scope.ts'

/** Permissions, and the label selectors of the hosts they apply to, of which all must match; null for all hosts. */
export interface Rights {
  permissions: ReadonlySet<Permission>
  scopeText: string[] | null
}

/** The rights of one link of a chain: a user or a key. */
export interface Grant extends Rights {
  isDisabled: boolean
  /** Null if it does not expire. */
  expiresAt: Date | null
}

/**
 * Computes the rights that all links of a chain have in common. Returns null if the chain is empty or a link is
 * disabled or expired. Pure.
 */
export function effectiveRights(chain: readonly Grant[], now: Date): Rights | null {
  const hasEnded = ({ isDisabled, expiresAt }: Grant) =>
    isDisabled || (expiresAt !== null && expiresAt <= now)
  if (chain.length === 0 || chain.some(hasEnded)) return null
  const scopes = chain.flatMap(({ scopeText }) => (scopeText === null ? [] : [scopeText]))
  return {
    permissions: new Set(
      PERMISSIONS.filter((each) => chain.every(({ permissions }) => permissions.has(each))),
    ),
    scopeText: scopes.length === 0 ? null : [...new Set(scopes.flat())],
  }
}

export type Excess = { kind: 'permission'; permission: Permission } | { kind: 'scope' }

/** Finds what `given` has beyond `giver`; null if nothing. Pure. */
export function findExcess(given: Rights, giver: Rights): Excess | null {
  const permission = [...given.permissions].find((each) => !giver.permissions.has(each))
  if (permission) return { kind: 'permission', permission }
  return isNarrower(scopeFrom(given.scopeText), scopeFrom(giver.scopeText)) ? null : { kind: 'scope' }
}

/** Returns the rights of a user's role and scope. */
export const toUserRights = ({ role, scope }: { role: Role; scope: string[] | null }): Rights => ({
  permissions: new Set(ROLE_PERMISSIONS[role]),
  scopeText: scope,
})

export const toUserGrant = (user: { role: Role; scope: string[] | null; isDisabled: boolean }): Grant => ({
  ...toUserRights(user),
  isDisabled: user.isDisabled,
  expiresAt: null,
})
