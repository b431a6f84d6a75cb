import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Express, NextFunction, Request, Response } from 'express'
import expressStaticGzip from 'express-static-gzip'

const DIST = fileURLToPath(new URL('../../../web/dist/', import.meta.url))
const YEAR_MS = 365 * 86_400_000
const HOUR_MS = 3_600_000
/** Everything else that a browser asks for is a page, which the one document shows. */
const NOT_PAGES = /^\/(api|ws|metrics|health|ready|assets)(\/|$)/

/**
 * Nothing comes from elsewhere, nothing that was written into a page runs, and no other site shows ours in a frame. Styles
 * may stand on elements: Mantine sets widths and colours so, and xterm its cell sizes; they can load nothing.
 */
const POLICY = [
  "default-src 'self'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ')

/** What every answer says to a browser, the API's too. */
export function securityHeaders(_request: Request, response: Response, next: NextFunction): void {
  response.set({
    'content-security-policy': POLICY,
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'permissions-policy': 'camera=(), geolocation=(), microphone=()',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
  })
  next()
}

/**
 * Serves the built UI, compressed as the build has left it. It holds nothing of the fleet: whoever may not sign in sees how one
 * signs in.
 */
export function serveWebUi(app: Express, dist = DIST): void {
  if (!existsSync(join(dist, 'index.html'))) return
  const compressed = { enableBrotli: true, orderPreference: ['br', 'gz'], index: false as const }
  // The names of these hold a hash of what is in them.
  const forEver = { immutable: true, maxAge: YEAR_MS }
  app.use('/assets', expressStaticGzip(join(dist, 'assets'), { ...compressed, serveStatic: forEver }))
  app.use('/assets', (_request, response) => void response.status(404).end())
  app.use(expressStaticGzip(dist, { ...compressed, serveStatic: { maxAge: HOUR_MS } }))
  app.use((request, response, next) => {
    if (request.method !== 'GET' || NOT_PAGES.test(request.path) || !request.accepts('html')) return next()
    response.set('cache-control', 'no-store').sendFile(join(dist, 'index.html'))
  })
}
