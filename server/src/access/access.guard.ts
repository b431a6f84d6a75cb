import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { ADMIN_ROUTES, type AdminRouteName } from '@rollcall/contracts/admin'
import { Clock } from '../platform/clock/clock.ts'
import { parseParts } from '../platform/http/endpoint.ts'
import { ROUTE_NAME } from '../platform/http/route-name.ts'
import { toPrefix } from '../platform/network/address-prefix.ts'
import { AttemptWindows } from '../platform/network/attempt-windows.ts'
import { AccessService } from './access.service.ts'
import { namedPlaces } from './domain/named-places.ts'
import { FAILURES_BY_ADDRESS } from './domain/sign-in-limits.ts'
import { notFound } from './not-found.ts'
import { type KnownRequest, may, type Principal, requireUser } from './principal.ts'
import { ScopeRepository } from './scope.repository.ts'

const toRouteName = (context: ExecutionContext) =>
  Reflect.getMetadata(ROUTE_NAME, context.getHandler()) as AdminRouteName | undefined

/** Denies every request that the contract does not allow to its caller. */
@Injectable()
export class AccessGuard implements CanActivate {
  private readonly attempts = new AttemptWindows(FAILURES_BY_ADDRESS)

  constructor(
    private readonly access: AccessService,
    private readonly scopes: ScopeRepository,
    private readonly clock: Clock,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const name = toRouteName(context)
    const request = context.switchToHttp().getRequest<KnownRequest>()
    try {
      await this.admit(name, request)
    } catch (error) {
      await this.reportRefusal(error, name, request)
      throw error
    }
    if (name === undefined || request.principal === undefined) return true
    try {
      await this.resolveNamed(name, request, request.principal)
    } catch (error) {
      // A mistyped name is no intrusion if the caller sees all hosts, unless the request was a change.
      if (request.principal.scope !== null || ADMIN_ROUTES[name].audit === 'always')
        await this.reportRefusal(error, name, request)
      throw error
    }
    return true
  }

  private async reportRefusal(
    error: unknown,
    name: AdminRouteName | undefined,
    request: KnownRequest,
  ): Promise<void> {
    const isAudited = name === undefined || ADMIN_ROUTES[name].audit !== 'never'
    if (isAudited && error instanceof RollcallError && error.kind === 'rejected')
      await this.access.publishRefusal(request, name, error.code)
  }

  private async admit(name: AdminRouteName | undefined, request: KnownRequest): Promise<void> {
    if (name === undefined)
      throw new RollcallError('request.forbidden', 'This route is not part of the contract.')
    const { access, method, scope } = ADMIN_ROUTES[name]
    const changes = method !== 'GET'
    if (access === 'public') {
      if (!changes) return
      this.refuseForeignOrigin(request, request.headers.origin !== undefined)
      this.limitAnonymous(name, request)
      return
    }
    const principal = await this.access.authenticate(request)
    request.principal = principal
    if (changes) this.refuseForeignOrigin(request, principal.sessionId !== null)
    if (access === 'person') return void requireUser(principal)
    if (access !== 'signed-in' && !may(principal, access))
      throw new RollcallError(
        'request.forbidden',
        `This needs the permission ${access}, which ${principal.name} does not have. Ask an admin.`,
      )
    if (scope === 'whole-fleet' && principal.scope !== null)
      throw new RollcallError(
        'access.outside_scope',
        'This action affects all hosts, and you may act on some of them only. Ask an admin.',
      )
  }

  /**
   * Resolves what the request names, by the route's declared scope. Throws `*.not_found` for everything outside the
   * caller's scope.
   */
  private async resolveNamed(
    name: AdminRouteName,
    request: KnownRequest,
    { scope }: Principal,
  ): Promise<void> {
    const places = namedPlaces(ADMIN_ROUTES[name].scope)
    if (places.length === 0) return
    const parts = parseParts(name, request, ['params', 'query'])
    for (const { kind, part, key } of places) {
      const about = parts[part][key]
      if (typeof about !== 'string') continue
      if (kind === 'host') {
        const host = await this.scopes.findHost(scope, about)
        if (host === null) throw notFound(kind, about, part === 'query' ? `query.${key}` : undefined)
        request.namedHost = host
      } else if (!(await this.scopes.exists(kind, scope, about))) throw notFound(kind, about)
    }
  }

  /**
   * Limits failures of anonymous callers per address. An attempt counts from its start, so parallel attempts count too,
   * and is refunded on success.
   */
  private limitAnonymous(name: AdminRouteName, { ip = '', res }: KnownRequest): void {
    const key = `${name} ${toPrefix(ip)}`
    if (!this.attempts.count(key, this.clock.now().getTime()))
      throw new RollcallError(
        'access.locked_out',
        'Too many attempts from this address failed. Wait ten minutes.',
      )
    res?.once('finish', () => {
      if (res.statusCode < 400) this.attempts.refund(key)
    })
  }

  /**
   * Refuses requests of foreign pages: a browser sends the cookie whichever page of the same site makes the request.
   */
  private refuseForeignOrigin(request: KnownRequest, isFromBrowser: boolean): void {
    if (!isFromBrowser || this.access.isFromOwnOrigin(request)) return
    throw new RollcallError(
      'request.forbidden',
      'Requests from this origin are not allowed. If they should be, add the origin to ROLLCALL_ALLOWED_ORIGINS.',
    )
  }
}
