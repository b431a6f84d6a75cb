import { z } from 'zod'
import type { Permission } from './access/schemas.ts'

/** The names of a schema's fields; any text for a schema that is not known. */
type KeyOf<Schema extends z.ZodType> =
  unknown extends z.output<Schema> ? string : keyof z.output<Schema> & string
type ParamOf<Params extends z.ZodType> = `params.${KeyOf<Params>}`
type QueryOf<Query extends z.ZodType> = `query.${KeyOf<Query>}`

/** The kinds of objects that a scope can exclude, and a path or query can name. */
export const SCOPED_KINDS = ['host', 'command', 'run', 'transfer'] as const
export type ScopedKind = (typeof SCOPED_KINDS)[number]

/**
 * Which hosts a route concerns, for callers who are limited to some.
 * - `none`: no host at all: one's own account, or what is the same for everybody.
 * - `whole-fleet`: all hosts, so that it is refused to whoever may act on some only.
 * - `filtered`: the service takes the caller's scope and leaves out, or refuses, what lies outside. What the query may name
 *   (`?host=`, `before=`) is told here.
 * - else what its path names.
 *
 * For what is named the guard answers `*.not_found`, in the same words, where it does not exist and where it is not wholly
 * within the scope. A host is looked up by the guard alone, which hands on which one it is.
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
 * - `always`: that it was asked for, before it is done, and how it ended.
 * - `refusals`: only that it was refused by the guard: it changes nothing, or would drown everything else.
 * - `never`: nothing; for public routes that tell nothing and change nothing.
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
   * Who may call it. `public` tells nothing about the fleet; `signed-in` is for whoever is known; `person` for people who have signed
   * in, since keys have no account; else a permission.
   */
  access: 'public' | 'signed-in' | 'person' | Permission
  scope: RouteScope<Params, Query>
  audit: RouteAudit
  status: 200 | 201 | 202
  /** The status of an answer of the same form that reports trouble. */
  troubleStatus?: 503
  /** The content type of the body that it takes; of one that is no JSON nothing is parsed. */
  consumes: MediaType
  /** The content type of its answer, where it succeeds. */
  produces: MediaType
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

/** Fills in what a route does not take. A body is only read where one is declared; who may call it, for which hosts, and what is written down of it is never filled in. */
export function defineRoute<
  Response extends z.ZodType,
  Params extends z.ZodType = Nothing,
  Query extends z.ZodType = Nothing,
  Body extends z.ZodType = Nothing,
>(
  route: Pick<Route, 'method' | 'path' | 'summary' | 'access' | 'audit'> & {
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
    status: 200,
    consumes: 'application/json',
    produces: 'application/json',
    ...route,
    params: route.params ?? (nothing as z.ZodType as Params),
    query: route.query ?? (nothing as z.ZodType as Query),
    body: route.body ?? (nothing as z.ZodType as Body),
  }
}
