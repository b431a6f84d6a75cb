import {
  applyDecorators,
  createParamDecorator,
  type ExecutionContext,
  HttpCode,
  RequestMapping,
  RequestMethod,
  SetMetadata,
  UseInterceptors,
} from '@nestjs/common'
import { type FieldError, fieldErrors, RollcallError } from '@rollcall/contracts'
import { ADMIN_ROUTES, type AdminRouteName, type AdminRoutes } from '@rollcall/contracts/admin'
import type { Request } from 'express'
import type { z } from 'zod'
import { ContractInterceptor } from './contract.interceptor.ts'
import { ROUTE_NAME } from './route-name.ts'

/** What a handler gets: parsed, with defaults filled in, and nothing undeclared. */
export interface InputOf<N extends AdminRouteName> {
  params: z.output<AdminRoutes[N]['params']>
  query: z.output<AdminRoutes[N]['query']>
  body: z.output<AdminRoutes[N]['body']>
}

/** Serves the contract's route of that name: its method and path, its input, its answer, and who may call it. */
export function Endpoint(name: AdminRouteName): MethodDecorator {
  const route = ADMIN_ROUTES[name]
  return applyDecorators(
    RequestMapping({ path: route.path, method: RequestMethod[route.method] }),
    HttpCode(route.status),
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

export function parseInput<N extends AdminRouteName>(
  name: N,
  parts: { params: unknown; query: unknown; body: unknown },
): InputOf<N> {
  const route = ADMIN_ROUTES[name]
  const wrong: FieldError[] = []
  const parse = (schema: z.ZodType, part: unknown, root: string) => {
    const result = schema.safeParse(part ?? {})
    if (!result.success) wrong.push(...fieldErrors(result.error.issues, root))
    return result.data
  }
  const input = {
    params: parse(route.params, parts.params, 'path'),
    query: parse(route.query, parts.query, 'query'),
    body: parse(route.body, parts.body, 'body'),
  }
  if (wrong.length > 0)
    throw new RollcallError(
      'request.invalid',
      `The request is not valid: ${wrong.map((f) => `${f.field} ${f.message}`).join('; ')}.`,
      { fields: wrong },
    )
  return input as InputOf<N>
}
