import { createParamDecorator, type ExecutionContext } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import type { Permission, PrincipalView, Role } from '@rollcall/contracts/admin'
import type { Request } from 'express'
import { type HostScope, isInScope, scopeKeys, undelegatedLabels } from './domain/host-scope.ts'
import type { Rights } from './domain/rights.ts'

/** The caller and its rights. */
export interface Principal {
  kind: PrincipalView['kind']
  id: string
  /** The user, or the owner of a key; null for a server's own key and keys made with it. */
  userId: string | null
  name: string
  email: string | null
  /** Null for a key, which has permissions of its own. */
  role: Role | null
  permissions: ReadonlySet<Permission>
  /** The scope in its textual form. */
  scopeText: string[] | null
  scope: HostScope
  /** The session of a signed-in user. */
  sessionId: string | null
}

/** A host named by a request, as resolved by the guard; from there it is referred to by id. */
export interface NamedHost {
  id: string
  name: string
}

/** The principal that started long-lived work, whose rights are checked again later. */
export type PrincipalRef = Pick<Principal, 'kind' | 'id'>

/** Reads a reference from its columns. */
export const toPrincipalRef = (kind: string | null, id: string | null): PrincipalRef | null =>
  kind === null || id === null ? null : { kind: kind as PrincipalRef['kind'], id }

export const toRef = ({ kind, id }: PrincipalRef): PrincipalRef => ({ kind, id })

export interface KnownRequest extends Request {
  principal?: Principal
  /** The host named by the request; undefined if it names none. */
  namedHost?: NamedHost
  /** The user signed in by this request, which came without a principal. */
  signedIn?: Pick<Principal, 'kind' | 'id' | 'name'>
}

/** The known parts of a refused request. */
export type RefusedRequest = Pick<KnownRequest, 'principal' | 'signedIn' | 'ip'> &
  Partial<Pick<KnownRequest, 'params' | 'query' | 'body'>>

export const toRights = ({ permissions, scopeText }: Principal): Rights => ({ permissions, scopeText })

/** Returns the signed-in user. Throws `request.forbidden` for a key, which has no account. */
export function requireUser({ kind, id, sessionId }: Principal): { id: string; sessionId: string } {
  if (kind === 'user' && sessionId !== null) return { id, sessionId }
  throw new RollcallError('request.forbidden', 'Only a signed-in user has an account.')
}

export const may = (principal: Pick<Principal, 'permissions'>, permission: Permission) =>
  principal.permissions.has(permission)

/**
 * Refuses label changes beyond the caller's scope: other labels decide what others see and run. Throws
 * `access.outside_scope`.
 */
export function refuseLabelsOutside(
  scope: HostScope,
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): void {
  if (scope === null) return
  const undelegated = undelegatedLabels(scope, before, after)
  if (undelegated.length > 0)
    throw new RollcallError(
      'access.outside_scope',
      `You may change only the labels ${scopeKeys(scope).join(', ')}, not ${undelegated.slice(0, 20).join(', ')}, which decide what others may see and run. Ask an admin.`,
      { fields: [{ field: 'labels', message: `must not change ${undelegated[0]}` }] },
    )
  if (isInScope(scope, after)) return
  throw new RollcallError(
    'access.outside_scope',
    'With these labels the host would leave your scope. Keep the labels that your scope requires.',
    { fields: [{ field: 'labels', message: 'do not match your scope' }] },
  )
}

/**
 * Returns the owner of scheduled work. Throws `access.owner_lost` if the owner may not run commands or no longer
 * exists.
 */
export function requireRunner(what: string, owner: Principal | undefined): Principal {
  if (owner && may(owner, 'commands:run')) return owner
  const why = owner
    ? `its owner ${owner.name} may no longer run commands`
    : 'its owner was removed or disabled, or is an expired key'
  throw new RollcallError(
    'access.owner_lost',
    `${what} was not run: ${why}. Anyone who changes it becomes its owner.`,
  )
}

/** Refuses callers who may not run commands but would have them run later. Throws `request.forbidden`. */
export function refuseWithoutRunPermission(actor: Principal): void {
  if (may(actor, 'commands:run')) return
  throw new RollcallError(
    'request.forbidden',
    `Running commands later also needs the permission commands:run, which ${actor.name} does not have. Ask an admin.`,
  )
}

/** Injects the principal of a request. */
export const Actor = createParamDecorator((_data: unknown, context: ExecutionContext): Principal => {
  const { principal } = context.switchToHttp().getRequest<KnownRequest>()
  if (!principal) throw new RollcallError('server.defect', 'A route without a principal requires one.')
  return principal
})

/** Injects the host that the request names. */
export const GuardedHost = createParamDecorator((_data: unknown, context: ExecutionContext): NamedHost => {
  const { namedHost } = context.switchToHttp().getRequest<KnownRequest>()
  if (!namedHost) throw new RollcallError('server.defect', 'A route that names no host requires one.')
  return namedHost
})

/** Injects the host that the request names; undefined if it names none. */
export const GuardedHostIfNamed = createParamDecorator(
  (_data: unknown, context: ExecutionContext): NamedHost | undefined =>
    context.switchToHttp().getRequest<KnownRequest>().namedHost,
)
