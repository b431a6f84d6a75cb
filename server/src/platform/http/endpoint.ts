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

/** A host in a path or query is not here: the guard looks it up, and hands on which one it is. */
type WithoutHost<Part> = Omit<Part, 'host'>

/** The input of a handler: parsed, with defaults filled in, and nothing undeclared. */
export interface InputOf<N extends AdminRouteName> {
  params: WithoutHost<z.output<AdminRoutes[N]['params']>>
  query: WithoutHost<z.output<AdminRoutes[N]['query']>>
  body: z.output<AdminRoutes[N]['body']>
}

/** Serves the contract's route of that name: its method and path, its input, its answer, and who may call it. */
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

/** The request's parsed parts. Throws `request.invalid` that names every field that is wrong. */
export const Input = createParamDecorator((_data: unknown, context: ExecutionContext) => {
  const name = Reflect.getMetadata(ROUTE_NAME, context.getHandler()) as AdminRouteName
  const request = context.switchToHttp().getRequest<Request>()
  return parseInput(name, { params: request.params, query: request.query, body: request.body })
})

type Parts = Record<RequestPart, unknown>

export function parseInput<N extends AdminRouteName>(name: N, parts: Parts): InputOf<N> {
  return parse(name, ['params', 'query', 'body'], parts) as unknown as InputOf<N>
}

/** Parses what a request's address holds. Throws `request.invalid` that names every field that is wrong. */
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
