import { PERMISSIONS, type Permission, ROLE_PERMISSIONS, type Role } from '@rollcall/contracts/admin'
import { isNarrower, scopeFrom } from './host-scope.ts'

/** Permissions, and the hosts that they are for: label selectors of which all must match, or null for all hosts. */
export interface Rights {
  permissions: ReadonlySet<Permission>
  scopeText: string[] | null
}

/** The rights that one link of a chain gives: a user, or a key. */
export interface Grant extends Rights {
  isDisabled: boolean
  /** Null for never. */
  expiresAt: Date | null
}

/**
 * Computes what somebody may do now: what every link of `chain` (a key, the keys that it was made with, their owner) gives in
 * common. Returns null where a link has ended, or where there is none. Pure.
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

/** Finds what `given` has beyond `giver`. Returns null where there is nothing, so that it may be given. Pure. */
export function excessOf(given: Rights, giver: Rights): Excess | null {
  const permission = [...given.permissions].find((each) => !giver.permissions.has(each))
  if (permission) return { kind: 'permission', permission }
  return isNarrower(scopeFrom(given.scopeText), scopeFrom(giver.scopeText)) ? null : { kind: 'scope' }
}

/** Returns the rights that a user's role and scope give. */
export const rightsOfUser = ({ role, scope }: { role: Role; scope: string[] | null }): Rights => ({
  permissions: new Set(ROLE_PERMISSIONS[role]),
  scopeText: scope,
})

export const grantOfUser = (user: { role: Role; scope: string[] | null; isDisabled: boolean }): Grant => ({
  ...rightsOfUser(user),
  isDisabled: user.isDisabled,
  expiresAt: null,
})
