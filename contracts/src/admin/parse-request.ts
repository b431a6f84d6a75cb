import { type FieldError, fieldErrors } from '../errors.ts'
import type { Route } from './route.ts'

export type RequestPart = 'params' | 'query' | 'body'

const ROOT_NAMES = { params: 'path', query: 'query', body: 'body' } as const

/** Parses the parts of a request, each against its route. Returns their values, and every field that is wrong. */
export function parseRequest(
  route: Route,
  parts: Partial<Record<RequestPart, unknown>>,
  which: readonly RequestPart[] = ['params', 'query', 'body'],
): { values: Record<string, unknown>; wrong: FieldError[] } {
  const wrong: FieldError[] = []
  const values = which.map((part) => {
    const result = route[part].safeParse(parts[part] ?? {})
    if (!result.success) wrong.push(...fieldErrors(result.error.issues, ROOT_NAMES[part]))
    return [part, result.data]
  })
  return { values: Object.fromEntries(values), wrong }
}

/** Returns the message of a `request.invalid` error, which names every wrong field. */
export const toInvalidRequestMessage = (wrong: readonly FieldError[]): string =>
  `The request is not valid: ${wrong.map(({ field, message }) => `${field} ${message}`).join('; ')}.`
