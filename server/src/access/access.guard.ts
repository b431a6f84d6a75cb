import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { ADMIN_ROUTES, type AdminRouteName } from '@rollcall/contracts/admin'
import { Clock } from '../platform/clock/clock.ts'
import { parseAddress } from '../platform/http/endpoint.ts'
import { ROUTE_NAME } from '../platform/http/route-name.ts'
import { prefixOf } from '../platform/network/address-prefix.ts'
import { AttemptWindows } from '../platform/network/attempt-windows.ts'
import { AccessService } from './access.service.ts'
import { namedPlaces } from './domain/named-by.ts'
import { FAILURES_BY_ADDRESS } from './domain/sign-in-limits.ts'
import { notFound } from './not-found.ts'
import { type KnownRequest, may, type Principal } from './principal.ts'
import { ScopeRepository } from './scope.repository.ts'

const nameOf = (context: ExecutionContext) =>
  Reflect.getMetadata(ROUTE_NAME, context.getHandler()) as AdminRouteName | undefined

/** Denies everything that the contract does not allow to whoever asks. */
@Injectable()
export class AccessGuard implements CanActivate {
  private readonly attempts = new AttemptWindows(FAILURES_BY_ADDRESS)

  constructor(
    private readonly access: AccessService,
    private readonly scopes: ScopeRepository,
    private readonly clock: Clock,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const name = nameOf(context)
    const request = context.switchToHttp().getRequest<KnownRequest>()
    try {
      await this.admit(name, request)
    } catch (error) {
      await this.tell(error, name, request)
      throw error
    }
    if (name === undefined || request.principal === undefined) return true
    try {
      await this.find(name, request, request.principal)
    } catch (error) {
      // A name that is mistyped by whoever may see all is no attempt at anything, unless something was to be done there.
      if (request.principal.scope !== null || ADMIN_ROUTES[name].audit === 'always')
        await this.tell(error, name, request)
      throw error
    }
    return true
  }

  private async tell(error: unknown, name: AdminRouteName | undefined, request: KnownRequest): Promise<void> {
    const isAudited = name === undefined || ADMIN_ROUTES[name].audit !== 'never'
    if (isAudited && error instanceof RollcallError && error.kind === 'rejected')
      await this.access.tellRefused(request, name, error.code)
  }

  private async admit(name: AdminRouteName | undefined, request: KnownRequest): Promise<void> {
    if (name === undefined)
      throw new RollcallError('request.forbidden', 'This route is not part of the contract.')
    const { access, method, scope } = ADMIN_ROUTES[name]
    const changes = method !== 'GET'
    if (access === 'public') {
      if (!changes) return
      this.refuseForeignPage(request, request.headers.origin !== undefined)
      this.limitStranger(name, request)
      return
    }
    const principal = await this.access.authenticate(request)
    request.principal = principal
    if (changes) this.refuseForeignPage(request, principal.sessionId !== null)
    if (access === 'person') return refuseKeys(principal)
    if (access !== 'signed-in' && !may(principal, access))
      throw new RollcallError(
        'request.forbidden',
        `This needs the permission ${access}, which ${principal.name} does not have. Ask an admin.`,
      )
    if (scope === 'whole-fleet' && principal.scope !== null)
      throw new RollcallError(
        'access.outside_scope',
        'This concerns all hosts, and you may act on some only. Ask an admin.',
      )
  }

  /** Finds what the request names, by the route's declared scope. What lies outside of somebody's scope does not exist for them. */
  private async find(name: AdminRouteName, request: KnownRequest, { scope }: Principal): Promise<void> {
    const places = namedPlaces(ADMIN_ROUTES[name].scope)
    if (places.length === 0) return
    const parts = parseAddress(name, request)
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
   * Limits failures of unknown callers, with passwords, codes or links. An attempt counts from its start, so that
   * many at once are no way around, and not any more when it was right.
   */
  private limitStranger(name: AdminRouteName, { ip = '', res }: KnownRequest): void {
    const key = `${name} ${prefixOf(ip)}`
    if (!this.attempts.take(key, this.clock.now().getTime()))
      throw new RollcallError(
        'access.locked_out',
        'Too many attempts from this address came to nothing. Wait ten minutes.',
      )
    res?.once('finish', () => {
      if (res.statusCode < 400) this.attempts.giveBack(key)
    })
  }

  /** A browser sends the cookie whichever page of the same site asks it to; only ours may. */
  private refuseForeignPage(request: KnownRequest, comesFromBrowser: boolean): void {
    if (!comesFromBrowser || this.access.isFromOwnPage(request)) return
    throw new RollcallError(
      'request.forbidden',
      'This origin may not act for the user of this browser. Add it to ROLLCALL_ALLOWED_ORIGINS if it should.',
    )
  }
}

/** A key has no account of its own, nor has a server's own key. */
function refuseKeys({ kind, sessionId }: Principal): void {
  if (kind !== 'user' || sessionId === null)
    throw new RollcallError('request.forbidden', 'Only a person who has signed in has an account.')
}
