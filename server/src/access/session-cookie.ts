import type { IncomingMessage } from 'node:http'
import type { Response } from 'express'

type CookieName = 'rollcall_session' | 'rollcall_sso'
const NAME = 'rollcall_session'
/** Browsers take a cookie of this name only over HTTPS, from this very host, for all its paths. */
const secureName = (name: CookieName) => `__Host-${name}` as const

/** The session's token out of the cookies of a request; over HTTPS out of the one that only HTTPS can have set. */
export function toCookie(request: IncomingMessage, isSecure: boolean): string | undefined {
  const token = namedCookie(request, NAME, isSecure)
  return token && /^[A-Za-z0-9_-]{20,100}$/.test(token) ? token : undefined
}

export function namedCookie(
  request: IncomingMessage,
  name: CookieName,
  isSecure: boolean,
): string | undefined {
  const cookies = new Map(
    (request.headers.cookie ?? '').split(';').map((pair) => {
      const at = pair.indexOf('=')
      return [pair.slice(0, at).trim(), pair.slice(at + 1).trim()] as const
    }),
  )
  return cookies.get(isSecure ? secureName(name) : name)
}

/**
 * No script reads it, and it comes with requests of our own pages alone. It has no end of its own: the server knows when a
 * session is over.
 */
export function setCookie(response: Response, token: string, secure: boolean, name: CookieName = NAME): void {
  response.cookie(secure ? secureName(name) : name, token, {
    httpOnly: true,
    sameSite: 'strict',
    path: '/',
    secure,
  })
}

export function clearCookie(response: Response, name: CookieName = NAME): void {
  for (const each of [name, secureName(name)])
    response.clearCookie(each, {
      httpOnly: true,
      sameSite: 'strict',
      path: '/',
      secure: each === secureName(name),
    })
}
