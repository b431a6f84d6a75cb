import { z } from 'zod'
import type { Permission } from './access.ts'

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
  /** Who may call it. `public` tells nothing about the fleet; `signed-in` is for whoever is known; else a permission. */
  access: 'public' | 'signed-in' | Permission
  /** It concerns all hosts, so that nobody may use it who is limited to some. */
  isWholeFleet: boolean
  status: 200 | 201 | 202
  params: Params
  query: Query
  body: Body
  response: Response
}

/** An answer that is no JSON: bytes with a length, as application/octet-stream. */
export const byteStream = z.custom<object>(
  (answer) => typeof answer === 'object' && answer !== null,
  'must be a stream of bytes',
)

const nothing = z.strictObject({})
type Nothing = typeof nothing

/** Fills in what a route does not take. A body is only read where one is declared. */
export function defineRoute<
  Response extends z.ZodType,
  Params extends z.ZodType = Nothing,
  Query extends z.ZodType = Nothing,
  Body extends z.ZodType = Nothing,
>(
  route: Pick<Route, 'method' | 'path' | 'summary' | 'access'> & {
    response: Response
    status?: Route['status']
    isWholeFleet?: boolean
    params?: Params
    query?: Query
    body?: Body
  },
): Route<Params, Query, Body, Response> {
  return {
    status: 200,
    isWholeFleet: false,
    ...route,
    params: route.params ?? (nothing as z.ZodType as Params),
    query: route.query ?? (nothing as z.ZodType as Query),
    body: route.body ?? (nothing as z.ZodType as Body),
  }
}
