import { createParamDecorator, type ExecutionContext } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import type { Permission, PrincipalView, Role } from '@rollcall/contracts/admin'
import type { Request } from 'express'
import { type HostScope, isInScope } from './domain/host-scope.ts'
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

export const refOf = ({ kind, id }: PrincipalRef): PrincipalRef => ({ kind, id })

export interface KnownRequest extends Request {
  principal?: Principal
  /** What the route's scope says that it names; missing where the request names none. */
  namedHost?: NamedHost
  /** Whom this request has signed in, of one that came without a principal. */
  signedIn?: Pick<Principal, 'kind' | 'id' | 'name'>
}

/** What is known of a request that is refused. */
export type Refused = Pick<KnownRequest, 'principal' | 'signedIn' | 'ip'> &
  Partial<Pick<KnownRequest, 'params' | 'query' | 'body'>>

export const rightsOf = ({ permissions, scopeText }: Principal): Rights => ({ permissions, scopeText })

export const may = (principal: Principal, permission: Permission) => principal.permissions.has(permission)

/** For labels that somebody gives to a host. Throws `access.outside_scope` where the host would then not exist for them. */
export function refuseLabelsOutside(scope: HostScope, labels: Readonly<Record<string, string>>): void {
  if (isInScope(scope, labels)) return
  throw new RollcallError(
    'access.outside_scope',
    'With these labels the host would be outside of the hosts that you may act on. Keep the labels that your scope asks for.',
    { fields: [{ field: 'body.labels', message: 'do not fit your own scope' }] },
  )
}

export const viewOfPrincipal = (principal: Principal): PrincipalView => ({
  kind: principal.kind,
  id: principal.id,
  name: principal.name,
  email: principal.email,
  role: principal.role,
  permissions: [...principal.permissions],
  scope: principal.scopeText,
})

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
