import { type ErrorCode, fieldErrors, isErrorCode, RollcallError } from '@rollcall/contracts'
import { ADMIN_ROUTES, type AdminRouteName } from '@rollcall/contracts/admin'

/** An error as the server gives it. */
export const refusal = (code: ErrorCode, message: string) => {
  if (!isErrorCode(code)) throw new Error(`${code} is not in the contract`)
  return new RollcallError(code, message)
}

/** Which route a request means, with its parts parsed. Throws what the server would answer. */
export function parseRequest(method: string, url: URL, body: unknown) {
  for (const [name, route] of Object.entries(ADMIN_ROUTES)) {
    const match = new RegExp(`^${route.path.replace(/:(\w+)/g, '(?<$1>[^/]+)')}$`).exec(url.pathname)
    if (!match || route.method !== method) continue
    const parts = { params: { ...match.groups }, query: Object.fromEntries(url.searchParams), body }
    const wrong = (['params', 'query', 'body'] as const).flatMap((part) => {
      const parsed = route[part].safeParse(parts[part])
      if (parsed.success) parts[part] = parsed.data as never
      return parsed.success ? [] : fieldErrors(parsed.error.issues, part)
    })
    if (wrong.length > 0)
      throw new RollcallError(
        'request.invalid',
        `The request is not valid: ${wrong.map((f) => `${f.field} ${f.message}`).join('; ')}.`,
        { fields: wrong },
      )
    return { name: name as AdminRouteName, ...parts }
  }
  throw new RollcallError('request.not_found', 'There is nothing at this address.')
}
