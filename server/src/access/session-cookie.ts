import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import type { Response } from 'express'

const NAME = 'rollcall_session'
/** Browsers take a cookie of this name only over HTTPS, from this very host, for all its paths. */
const SECURE_NAME = `__Host-${NAME}`

/** The session's token out of the cookies of a request. */
export function cookieOf(request: IncomingMessage): string | undefined {
  const cookies = new Map(
    (request.headers.cookie ?? '').split(';').map((pair) => {
      const at = pair.indexOf('=')
      return [pair.slice(0, at).trim(), pair.slice(at + 1).trim()] as const
    }),
  )
  const token = cookies.get(SECURE_NAME) ?? cookies.get(NAME)
  return token && /^[A-Za-z0-9_-]{20,100}$/.test(token) ? token : undefined
}

const isSecure = (request: IncomingMessage, publicUrl: string | undefined) =>
  (request.socket as TLSSocket).encrypted === true || publicUrl?.startsWith('https:') === true

/**
 * No script reads it, and it comes with requests of our own pages alone. It has no end of its own: the server knows when a
 * session is over.
 */
export function setCookie(response: Response, token: string, publicUrl: string | undefined): void {
  const secure = isSecure(response.req, publicUrl)
  response.cookie(secure ? SECURE_NAME : NAME, token, {
    httpOnly: true,
    sameSite: 'strict',
    path: '/',
    secure,
  })
}

export function clearCookie(response: Response): void {
  for (const name of [NAME, SECURE_NAME])
    response.clearCookie(name, {
      httpOnly: true,
      sameSite: 'strict',
      path: '/',
      secure: name === SECURE_NAME,
    })
}
