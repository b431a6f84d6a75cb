import {
  applyDecorators,
  createParamDecorator,
  type ExecutionContext,
  Header,
  HttpCode,
  RequestMapping,
  RequestMethod,
  Res,
  SetMetadata,
  UseInterceptors,
} from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import {
  ADMIN_ROUTES,
  type AdminRouteName,
  type AdminRoutes,
  parseRequest,
  type RequestPart,
  toInvalidRequestMessage,
} from '@rollcall/contracts/admin'
import type { Request } from 'express'
import type { z } from 'zod'
import { ContractInterceptor } from './contract.interceptor.ts'
import { ROUTE_NAME } from './route-name.ts'

/** Parts without the host of a path or query, which the guard resolves and injects. */
type WithoutHost<Part> = Omit<Part, 'host'>

/** The input of a handler: parsed, with defaults, and nothing undeclared. */
export interface InputOf<N extends AdminRouteName> {
  params: WithoutHost<z.output<AdminRoutes[N]['params']>>
  query: WithoutHost<z.output<AdminRoutes[N]['query']>>
  body: z.output<AdminRoutes[N]['body']>
}

/** Serves a route of the contract: its method and path, input, response and access. */
export function Endpoint(name: AdminRouteName): MethodDecorator {
  const route = ADMIN_ROUTES[name]
  return applyDecorators(
    RequestMapping({ path: route.path, method: RequestMethod[route.method] }),
    HttpCode(route.status),
    ...(route.produces === 'application/json' ? [] : [Header('content-type', route.produces)]),
    SetMetadata(ROUTE_NAME, name),
    UseInterceptors(ContractInterceptor),
  )
}

/** Injects the parsed parts of a request. Throws `request.invalid` naming every invalid field. */
export const Input = createParamDecorator((_data: unknown, context: ExecutionContext) => {
  const name = Reflect.getMetadata(ROUTE_NAME, context.getHandler()) as AdminRouteName
  return parseParts(name, context.switchToHttp().getRequest<Request>())
})

/** Injects the response, whose body is still what the handler returns. */
export const Reply = () => Res({ passthrough: true })

type Parts = Record<RequestPart, Record<string, unknown>>

/** Parses parts of a request, by default all. Throws `request.invalid` naming every invalid field. */
export function parseParts(
  name: AdminRouteName,
  request: Partial<Record<RequestPart, unknown>>,
  which?: readonly RequestPart[],
): Parts {
  const { values, wrong } = parseRequest(ADMIN_ROUTES[name], request, which)
  if (wrong.length > 0)
    throw new RollcallError('request.invalid', toInvalidRequestMessage(wrong), { fields: wrong })
  return values as Parts
}
