import type { IncomingMessage } from 'node:http'
import type { Response } from 'express'

type CookieName = 'rollcall_session' | 'rollcall_sso'
const NAME = 'rollcall_session'
/** Browsers accept this name only over HTTPS, from this exact host, for all paths. */
const secureName = (name: CookieName) => `__Host-${name}` as const

/** Reads the session token from the cookies; over HTTPS, only from the cookie that HTTPS alone can set. */
export function readSessionCookie(request: IncomingMessage, isSecure: boolean): string | undefined {
  const token = readCookie(request, NAME, isSecure)
  return token && /^[A-Za-z0-9_-]{20,100}$/.test(token) ? token : undefined
}

export function readCookie(
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
 * Sets a cookie that scripts cannot read and that is sent only with requests of this site. It does not expire; the
 * server ends the session.
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
