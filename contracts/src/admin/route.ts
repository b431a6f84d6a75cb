import { z } from 'zod'
import { uuid } from '../text.ts'
import type { Permission } from './access/schemas.ts'

/** The field names of a schema; any text for an unknown schema. */
type KeyOf<Schema extends z.ZodType> =
  unknown extends z.output<Schema> ? string : keyof z.output<Schema> & string
type ParamOf<Params extends z.ZodType> = `params.${KeyOf<Params>}`
type QueryOf<Query extends z.ZodType> = `query.${KeyOf<Query>}`

/** The kinds of objects that a scope can exclude, and a path or query can name. */
export const SCOPED_KINDS = ['host', 'command', 'run', 'transfer'] as const
export type ScopedKind = (typeof SCOPED_KINDS)[number]

/**
 * Which hosts a route concerns, for callers who are limited to some.
 * - `none`: no host: the caller's own account, or data that is the same for everybody.
 * - `whole-fleet`: all hosts. Refused to callers with a limited scope.
 * - `filtered`: the service gets the caller's scope and leaves out, or refuses, what lies outside. Objects that the query may name
 *   (`?host=`, `before=`) are declared here.
 * - otherwise the object that the path names.
 *
 * The guard answers `*.not_found`, in the same words, for a named object that does not exist and for one that is not entirely within
 * the scope. It resolves hosts for the service.
 */
export type RouteScope<Params extends z.ZodType = z.ZodType, Query extends z.ZodType = z.ZodType> =
  | 'none'
  | 'whole-fleet'
  | 'filtered'
  | { filtered: Partial<Record<ScopedKind, QueryOf<Query>>> }
  | { host: ParamOf<Params> }
  | { command: ParamOf<Params> }
  | { run: ParamOf<Params> }
  | { transfer: ParamOf<Params> }

/**
 * The audit log's part of a route.
 * - `always`: every request, before it is carried out, and its outcome.
 * - `refusals`: only refusals by the guard, for routes that change nothing or are called too often.
 * - `never`: nothing, for public routes that reveal and change nothing.
 */
export type RouteAudit = 'always' | 'refusals' | 'never'

export type MediaType =
  | 'application/json'
  | 'application/octet-stream'
  | 'application/x-ndjson'
  | 'text/plain; version=0.0.4; charset=utf-8'

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
  /**
   * Who may call it. `public` reveals nothing about the fleet; `signed-in` needs any valid credential; `person` needs a signed-in person,
   * since keys have no account; otherwise a permission.
   */
  access: 'public' | 'signed-in' | 'person' | Permission
  scope: RouteScope<Params, Query>
  audit: RouteAudit
  status: 200 | 201 | 202
  /** The status of an answer of the same form that reports trouble. */
  troubleStatus?: 503
  /** The content type of the request's body. Only JSON is parsed. */
  consumes: MediaType
  /** The content type of a successful answer. */
  produces: MediaType
  params: Params
  query: Query
  body: Body
  response: Response
}

/** An answer of bytes with a length, as application/octet-stream. */
export const byteStream = z.custom<object>(
  (answer) => typeof answer === 'object' && answer !== null,
  'must be a stream of bytes',
)

/** The path of a thing that is named by its id. */
export const idParam = z.strictObject({ id: uuid })

const nothing = z.strictObject({})
type Nothing = typeof nothing

/** Declares a route at a method and path. Fills in parts that it does not take, but never access, scope or audit. */
export function defineRoute<
  Response extends z.ZodType,
  Params extends z.ZodType = Nothing,
  Query extends z.ZodType = Nothing,
  Body extends z.ZodType = Nothing,
>(
  method: Route['method'],
  path: string,
  route: Pick<Route, 'summary' | 'access' | 'audit'> & {
    scope: RouteScope<NoInfer<Params>, NoInfer<Query>>
    response: Response
    status?: Route['status']
    troubleStatus?: Route['troubleStatus']
    consumes?: MediaType
    produces?: MediaType
    params?: Params
    query?: Query
    body?: Body
  },
): Route<Params, Query, Body, Response> {
  return {
    method,
    path,
    status: 200,
    consumes: 'application/json',
    produces: 'application/json',
    ...route,
    params: route.params ?? (nothing as z.ZodType as Params),
    query: route.query ?? (nothing as z.ZodType as Query),
    body: route.body ?? (nothing as z.ZodType as Body),
  }
}
