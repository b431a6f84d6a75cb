import {
  applyDecorators,
  createParamDecorator,
  type ExecutionContext,
  Header,
  HttpCode,
  RequestMapping,
  RequestMethod,
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
  const request = context.switchToHttp().getRequest<Request>()
  return parseInput(name, { params: request.params, query: request.query, body: request.body })
})

type Parts = Record<RequestPart, unknown>

export function parseInput<N extends AdminRouteName>(name: N, parts: Parts): InputOf<N> {
  return parse(name, ['params', 'query', 'body'], parts) as unknown as InputOf<N>
}

/** Parses the path and query of a request. Throws `request.invalid` naming every invalid field. */
export function parseAddress(
  name: AdminRouteName,
  parts: Omit<Parts, 'body'>,
): Record<'params' | 'query', Record<string, unknown>> {
  return parse(name, ['params', 'query'], parts) as Record<'params' | 'query', Record<string, unknown>>
}

function parse(
  name: AdminRouteName,
  which: readonly RequestPart[],
  parts: Partial<Parts>,
): Record<string, unknown> {
  const { values, wrong } = parseRequest(ADMIN_ROUTES[name], parts, which)
  if (wrong.length > 0)
    throw new RollcallError('request.invalid', toInvalidRequestMessage(wrong), { fields: wrong })
  return values
}
