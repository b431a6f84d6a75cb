import { z } from 'zod'

/** One REST route. The server's handler, the OpenAPI page and the clients' types all come from it. */
export interface Route<
  Params extends z.ZodType = z.ZodType,
  Query extends z.ZodType = z.ZodType,
  Body extends z.ZodType = z.ZodType,
  Response extends z.ZodType = z.ZodType,
> {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** With `:name` for each key of `params`. */
  path: string
  summary: string
  /** `public` needs no key: only what tells nothing about the fleet. */
  access: 'public' | 'key'
  status: 200 | 201 | 202
  params: Params
  query: Query
  body: Body
  response: Response
}

const nothing = z.strictObject({})
type Nothing = typeof nothing

/** Fills in what a route does not take. A body is only read where one is declared. */
export function defineRoute<
  Response extends z.ZodType,
  Params extends z.ZodType = Nothing,
  Query extends z.ZodType = Nothing,
  Body extends z.ZodType = Nothing,
>(
  route: Pick<Route, 'method' | 'path' | 'summary'> & {
    response: Response
    access?: Route['access']
    status?: Route['status']
    params?: Params
    query?: Query
    body?: Body
  },
): Route<Params, Query, Body, Response> {
  return {
    access: 'key',
    status: 200,
    ...route,
    params: route.params ?? (nothing as z.ZodType as Params),
    query: route.query ?? (nothing as z.ZodType as Query),
    body: route.body ?? (nothing as z.ZodType as Body),
  }
}
