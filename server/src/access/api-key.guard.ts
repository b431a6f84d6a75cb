import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { ADMIN_ROUTES, type AdminRouteName } from '@rollcall/contracts/admin'
import type { Request } from 'express'
import { ROUTE_NAME } from '../platform/http/route-name.ts'
import { ApiKeysService } from './api-keys.service.ts'

export interface KeyedRequest extends Request {
  apiKeyName?: string
}

/** Denies everything that the contract does not declare as public, unless the request carries a valid API key. */
@Injectable()
export class ApiKeyGuard implements CanActivate {
  constructor(private readonly keys: ApiKeysService) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const name = Reflect.getMetadata(ROUTE_NAME, context.getHandler()) as AdminRouteName | undefined
    if (name === undefined)
      throw new RollcallError('request.forbidden', 'This route is not part of the contract.')
    if (ADMIN_ROUTES[name].access === 'public') return true
    const request = context.switchToHttp().getRequest<KeyedRequest>()
    request.apiKeyName = await this.keys.authenticate(request.headers.authorization)
    return true
  }
}
