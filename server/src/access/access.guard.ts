import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { ADMIN_ROUTES, type AdminRouteName, type Route } from '@rollcall/contracts/admin'
import { Clock } from '../platform/clock/clock.ts'
import { ROUTE_NAME } from '../platform/http/route-name.ts'
import { AccessService } from './access.service.ts'
import { namedBy } from './domain/named-by.ts'
import { AttemptsByAddress } from './domain/sign-in-limits.ts'
import { type KnownRequest, may, type Principal } from './principal.ts'
import { ScopeRepository } from './scope.repository.ts'

const nameOf = (context: ExecutionContext) =>
  Reflect.getMetadata(ROUTE_NAME, context.getHandler()) as AdminRouteName | undefined

/** Denies everything that the contract does not allow to whoever asks. */
@Injectable()
export class AccessGuard implements CanActivate {
  private readonly attempts = new AttemptsByAddress()

  constructor(
    private readonly access: AccessService,
    private readonly scopes: ScopeRepository,
    private readonly clock: Clock,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    try {
      return await this.admit(context)
    } catch (error) {
      const name = nameOf(context)
      const isAudited = name === undefined || ADMIN_ROUTES[name].audit !== 'never'
      if (isAudited && error instanceof RollcallError && error.kind === 'rejected')
        await this.access.tellRefused(context.switchToHttp().getRequest<KnownRequest>(), name, error.code)
      throw error
    }
  }

  private async admit(context: ExecutionContext): Promise<boolean> {
    const name = nameOf(context)
    if (name === undefined)
      throw new RollcallError('request.forbidden', 'This route is not part of the contract.')
    const { access, method } = ADMIN_ROUTES[name]
    const request = context.switchToHttp().getRequest<KnownRequest>()
    const changes = method !== 'GET'
    if (access === 'public') {
      if (!changes) return true
      this.refuseForeignPage(request, request.headers.origin !== undefined)
      this.limitStranger(name, request)
      return true
    }
    request.principal = await this.access.authenticate(request)
    if (changes) this.refuseForeignPage(request, request.principal.sessionId !== null)
    if (access !== 'signed-in' && !may(request.principal, access))
      throw new RollcallError(
        'request.forbidden',
        `This needs the permission ${access}, which ${request.principal.name} does not have. Ask an admin.`,
      )
    await this.refuseOutside(request.principal, ADMIN_ROUTES[name], request.params)
    return true
  }

  /** What lies outside of somebody's scope does not exist for them. */
  private async refuseOutside(
    { scope }: Principal,
    route: Route,
    params: KnownRequest['params'],
  ): Promise<void> {
    if (scope === null) return
    if (route.scope === 'whole-fleet')
      throw new RollcallError(
        'access.outside_scope',
        'This concerns all hosts, and you may act on some only. Ask an admin.',
      )
    const named = namedBy(route.scope)
    if (named === null) return
    const about = String(params[named.param])
    if (!(await this.scopes.exists(named.kind, scope, about)))
      throw new RollcallError(`${named.kind}.not_found`, `There is no ${named.kind} ${about}.`)
  }

  /** Whoever is not known yet may try so often, be it passwords, codes or links. Here, so that no more is written down either. */
  private limitStranger(name: AdminRouteName, { ip = '' }: KnownRequest): void {
    if (!this.attempts.take(`${name} ${ip}`, this.clock.now().getTime()))
      throw new RollcallError('access.locked_out', 'Too many attempts from this address. Wait ten minutes.')
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
