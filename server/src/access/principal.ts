import { createParamDecorator, type ExecutionContext } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import type { Permission, PrincipalView, Role } from '@rollcall/contracts/admin'
import type { Request } from 'express'
import { type HostScope, isInScope, keysOf, undelegatedLabels } from './domain/host-scope.ts'
import type { Rights } from './domain/rights.ts'

/** Who is acting, and what they may do. */
export interface Principal {
  kind: PrincipalView['kind']
  id: string
  /** The person: the user, or the owner of a key; null for a server's own key and those that it made. */
  userId: string | null
  name: string
  email: string | null
  /** Null for a key, whose permissions are its own. */
  role: Role | null
  permissions: ReadonlySet<Permission>
  /** As it is written. */
  scopeText: string[] | null
  scope: HostScope
  /** The session, of a user. */
  sessionId: string | null
}

/** A host that a request names, as the guard has found it. From there on it is known by its id. */
export interface NamedHost {
  id: string
  name: string
}

/** Who has begun something that goes on, to ask later what they may do then. */
export type PrincipalRef = Pick<Principal, 'kind' | 'id'>

/** The columns of one. */
export const refFrom = (kind: string | null, id: string | null): PrincipalRef | null =>
  kind === null || id === null ? null : { kind: kind as PrincipalRef['kind'], id }

export const toRef = ({ kind, id }: PrincipalRef): PrincipalRef => ({ kind, id })

export interface KnownRequest extends Request {
  principal?: Principal
  /** The host that the request names by its route's scope; missing if it names none. */
  namedHost?: NamedHost
  /** Whom this request has signed in, of one that came without a principal. */
  signedIn?: Pick<Principal, 'kind' | 'id' | 'name'>
}

/** The known parts of a request that is refused. */
export type Refused = Pick<KnownRequest, 'principal' | 'signedIn' | 'ip'> &
  Partial<Pick<KnownRequest, 'params' | 'query' | 'body'>>

export const rightsOf = ({ permissions, scopeText }: Principal): Rights => ({ permissions, scopeText })

export const may = (principal: Principal, permission: Permission) => principal.permissions.has(permission)

/**
 * For labels that somebody gives to a host which has `before` until then. Whoever may act on some hosts only may change the labels that
 * their scope speaks of and no others: any other could bring the host into what somebody else runs, or may see. Throws
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
      `You may give and take the labels ${keysOf(scope).join(', ')} only, not ${undelegated.slice(0, 20).join(', ')}: these decide what others may see and run. Ask an admin.`,
      { fields: [{ field: 'labels', message: `must leave ${undelegated[0]} as it is` }] },
    )
  if (isInScope(scope, after)) return
  throw new RollcallError(
    'access.outside_scope',
    'With these labels the host would be outside of the hosts that you may act on. Keep the labels that your scope asks for.',
    { fields: [{ field: 'labels', message: 'do not fit your own scope' }] },
  )
}

/**
 * Returns the owner of something that runs later, if they may run commands now. Throws `access.owner_lost` for one who may not, or
 * was removed or disabled.
 */
export function runnerOf(what: string, owner: Principal | undefined): Principal {
  if (owner && may(owner, 'commands:run')) return owner
  const why = owner
    ? `${owner.name}, whose it is, may not run commands any more`
    : 'whoever it belongs to was removed or disabled, or is a key that has ended'
  throw new RollcallError(
    'access.owner_lost',
    `${what} is not run: ${why}. Whoever changes it becomes its owner.`,
  )
}

/** Refuses whoever may not run commands to have them run by something else. Throws `request.forbidden`. */
export function refuseWithoutRun(actor: Principal): void {
  if (may(actor, 'commands:run')) return
  throw new RollcallError(
    'request.forbidden',
    `What runs commands later needs the permission commands:run as well, which ${actor.name} does not have. Ask an admin.`,
  )
}

/** The principal that a request was let in for. */
export const Actor = createParamDecorator((_data: unknown, context: ExecutionContext): Principal => {
  const { principal } = context.switchToHttp().getRequest<KnownRequest>()
  if (!principal) throw new RollcallError('server.defect', 'A route without a principal asked for one.')
  return principal
})

/** The host that the request is about, as the guard has found it. */
export const GuardedHost = createParamDecorator((_data: unknown, context: ExecutionContext): NamedHost => {
  const { namedHost } = context.switchToHttp().getRequest<KnownRequest>()
  if (!namedHost) throw new RollcallError('server.defect', 'A route that names no host asked for one.')
  return namedHost
})

/** The same where naming a host is left to the caller. */
export const GuardedHostIfNamed = createParamDecorator(
  (_data: unknown, context: ExecutionContext): NamedHost | undefined =>
    context.switchToHttp().getRequest<KnownRequest>().namedHost,
)
